//! Beginning and end of a process.

use std::process::ExitCode;

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// What a shell says of a process that a signal has ended is this and the signal's number.
const ENDED_BY: i32 = 128;

/// Hears from now on whether the process is asked to end, by SIGTERM or SIGINT: the token is cancelled then. A second signal
/// ends the process at once, with 143 or 130, as if nobody had heard it.
///
/// To be called once, on the runtime of the process and before it takes any work: until then a signal ends it, or, where it
/// is the first process of a container, does nothing.
///
/// # Errors
/// When the signals cannot be heard.
pub fn stop_signal() -> anyhow::Result<CancellationToken> {
    let hear = |kind| signal(kind).context("signals cannot be heard");
    let (mut terminate, mut interrupt) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        asked.cancel();
        let second = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("asked to end a second time: what runs is left as it is");
        std::process::exit(ENDED_BY + second.as_raw_value());
    });
    Ok(stop)
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> SignalKind {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate(),
        _ = interrupt.recv() => SignalKind::interrupt(),
    }
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
