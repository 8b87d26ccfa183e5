//! Logs: lines for people in development, JSON in production.

use std::io::{IsTerminal, Write};

use tracing_subscriber::EnvFilter;

use crate::config::{AppEnv, Config};

/// Starts logging for this process. To be called once.
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
    Ok(())
}

/// Lets out what was recorded and has not left the process yet. To be called last, when nothing is recorded any more.
pub fn flush() {
    // Nobody is left to hear that it failed.
    let _ = std::io::stderr().flush();
}
