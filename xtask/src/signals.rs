//! Ctrl-C and SIGTERM: what we started is ended before we end.

use std::{
    process::{self, Command, ExitStatus},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot watch for signals")
}

/// Waits for Ctrl-C or SIGTERM; calls `watch` once a second meanwhile.
pub(crate) fn wait_for_end(mut watch: impl FnMut()) -> Result<()> {
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = ticks.tick() => watch(),
            }
        }
    })
}

/// Does `work`; on Ctrl-C or SIGTERM meanwhile calls `clean_up` and ends this process.
///
/// For work that starts services: without this an impatient Ctrl-C would leave them running.
pub(crate) fn cleaning_up<T: Send>(
    clean_up: impl FnOnce() -> Result<()>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let runtime = runtime()?;
    let (done, ended) = tokio::sync::oneshot::channel::<()>();
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            // Dropped at the end of the work, whatever its end is.
            let _done = done;
            work()
        });
        let interrupted = runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                _ = ended => anyhow::Ok(false),
                _ = interrupt.recv() => Ok(true),
                _ = terminate.recv() => Ok(true),
            }
        })?;
        if interrupted {
            eprintln!("\nmuster: interrupted; ending what was started");
            muster_testkit::child::close();
            clean_up()?;
            process::exit(130);
        }
        worker.join().map_err(|_| anyhow!("the work ended in a panic: see above"))?
    })
}

/// Runs a program to its end. Ctrl-C reaches it through the terminal, SIGTERM is handed on; we outlive it and clean up.
pub(crate) fn run_to_end(command: Command) -> Result<ExitStatus> {
    runtime()?.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = tokio::process::Command::from(command).spawn().with_context(|| format!("cannot run {name}"))?;
        loop {
            tokio::select! {
                status = child.wait() => return Ok(status?),
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {
                    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
                        // It may have ended by itself.
                        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                    }
                }
            }
        }
    })
}
