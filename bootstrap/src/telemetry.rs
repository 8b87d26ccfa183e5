//! Logs: lines for people in development, JSON in production.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal, Write};
use std::panic::{self, PanicHookInfo};

use tracing_subscriber::EnvFilter;

use crate::config::{AppEnv, Config};

/// Starts logging for this process, of panics too. To be called once.
///
/// # Errors
/// When `LOG_LEVEL` cannot be read.
pub fn init(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|_| anyhow::anyhow!("LOG_LEVEL must be a level such as info, or a filter such as info,sqlx=warn"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.app_env {
        AppEnv::Development => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        AppEnv::Production => builder.json().flatten_event(true).init(),
    }
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// Says where a panic was. Its text is said only if it stands in the code as it is: one that was put together may hold what was
/// worked on, such as the address of somebody. `RUST_BACKTRACE=1` shows the way there.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    let text = panic.payload().downcast_ref::<&'static str>().copied();
    let text = text.unwrap_or("its text may hold personal data and is left out");
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&trace));
    tracing::error!(panic.at = at, panic.text = text, panic.backtrace = trace, "a panic");
}

/// Lets out what was recorded and has not left the process yet. To be called last, when nothing is recorded any more.
pub fn flush() {
    // Nobody is left to hear that it failed.
    let _ = std::io::stderr().flush();
}
