use tokio::runtime::{Handle, RuntimeFlavor};

/// Does what keeps a processor busy for many milliseconds, as reading ten thousand rows does. Others of this thread are
/// given to another one meanwhile: a small operation is not to wait for the rows of a large one.
pub(crate) fn busy<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
