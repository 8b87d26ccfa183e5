//! Beginning and end of a process.

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
