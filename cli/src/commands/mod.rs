pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod ping;
pub(crate) mod token;
pub(crate) mod watch;

/// Runs a future to its end, on a runtime of its own.
fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
