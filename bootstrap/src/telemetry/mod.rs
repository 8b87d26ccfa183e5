//! Logs: lines for people in development, JSON in production. Traces: spans to a collector, if there is one.

mod collector;
mod panics;
mod statements;
mod traces;

use std::io::{IsTerminal, Write};

pub use muster_infrastructure::spans::tracer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub use self::traces::are_recorded;
pub(crate) use self::traces::temporal_plugin;
use crate::config::{AppEnv, Config};
use crate::wire::Role;

/// Starts logging for this process, of panics too, and tracing. To be called once, within a runtime.
///
/// # Errors
/// When `LOG_LEVEL` cannot be read, or the collector's address cannot be used.
pub fn init(config: &Config, role: Role) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log_level)
        .map_err(|_| anyhow::anyhow!("LOG_LEVEL must be a level such as info, or a filter such as info,sqlx=warn"))?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.app_env {
        AppEnv::Development => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed(),
        AppEnv::Production => lines.json().flatten_event(true).boxed(),
    };
    traces::start(config, role)?;
    let statements = config.traces.endpoint.is_some().then(statements::layer);
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(statements).init();
    std::panic::set_hook(Box::new(panics::log));
    Ok(())
}

/// Lets out what was recorded and has not left the process yet. To be called last, when nothing is recorded any more, and
/// while the runtime is still there; not for long, if the collector is away.
pub fn flush() {
    traces::end();
    // Nobody is left to hear that it failed.
    let _ = std::io::stderr().flush();
}
