use std::future::Future;
use std::pin::Pin;

use muster_application::ports::OperationWatch;
use muster_domain::OperationId;
use tokio::sync::broadcast::Sender;
use tokio::sync::broadcast::error::RecvError;

/// Tells of ends that a [`super::MemoryStore`] has committed.
#[derive(Debug, Clone)]
pub struct MemoryWatch(Option<Sender<OperationId>>);

impl MemoryWatch {
    pub(super) const fn new(ends: Sender<OperationId>) -> Self {
        Self(Some(ends))
    }

    /// A watch that misses every end, as the contract of the port allows.
    pub const fn deaf() -> Self {
        Self(None)
    }
}

impl OperationWatch for MemoryWatch {
    fn ended(&self, operation: OperationId) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        // Listens from now on, not from the first poll.
        let ends = self.0.as_ref().map(Sender::subscribe);
        Box::pin(async move {
            let Some(mut ends) = ends else { return std::future::pending().await };
            loop {
                match ends.recv().await {
                    Ok(ended) if ended != operation => {}
                    Err(RecvError::Closed) => return std::future::pending().await,
                    // Among those that were lost may be the one: let the waiter look.
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                }
            }
        })
    }
}
