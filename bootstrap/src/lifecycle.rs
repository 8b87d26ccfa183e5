//! Beginning and end of a process.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Completes when the process is asked to end: SIGTERM or SIGINT. A second one ends it at once.
///
/// # Errors
/// When the signals cannot be heard.
pub async fn shutdown_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}

/// How `main` ends: an error is one line on stderr, whatever `RUST_BACKTRACE` says.
pub fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("error: {}", one_line(&error));
        ExitCode::FAILURE
    })
}

/// An error and its causes, joined by `: `. A cause that the line already ends with is not said again.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let text = cause.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            line = text;
        } else if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::one_line;

    #[test]
    fn an_error_is_one_line_without_repeats() {
        let error = anyhow!("no route\n  to host").context("connect failed: no route to host").context("cannot upload");
        assert_eq!(one_line(&error), "cannot upload: connect failed: no route to host");
    }
}
