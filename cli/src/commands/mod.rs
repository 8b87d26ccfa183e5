pub(crate) mod check;
pub(crate) mod completions;
mod download;
mod engine;
mod events;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod operations;
mod outcome;
pub(crate) mod partner;
pub(crate) mod ping;
mod remote;
pub(crate) mod replay;
pub(crate) mod settings;
pub(crate) mod token;
mod upload;
mod watch;
pub(crate) mod workers;

use muster_bootstrap::config;

/// Runs a future to its end, on a runtime of its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// An argument, else the setting of this name.
fn or_setting(argument: Option<String>, name: &str) -> anyhow::Result<Option<String>> {
    if argument.is_some() { Ok(argument) } else { config::setting(name) }
}
