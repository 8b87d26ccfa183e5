use futures::stream::{self, BoxStream};
use muster_application::ports::OperationWatch;
use muster_domain::OperationId;
use tokio::sync::broadcast::Sender;
use tokio::sync::broadcast::error::RecvError;

/// Tells of moves that a [`super::MemoryStore`] has committed.
#[derive(Debug, Clone)]
pub struct MemoryWatch(Option<Sender<OperationId>>);

impl MemoryWatch {
    pub(super) const fn new(moves: Sender<OperationId>) -> Self {
        Self(Some(moves))
    }

    /// A watch that misses every move, as the contract of the port allows.
    pub const fn deaf() -> Self {
        Self(None)
    }
}

impl OperationWatch for MemoryWatch {
    fn moves(&self) -> BoxStream<'static, Option<OperationId>> {
        // Listens from now on, not from the first poll.
        let notices = self.0.as_ref().map(Sender::subscribe);
        Box::pin(stream::unfold(notices, |notices| async {
            let Some(mut notices) = notices else { return std::future::pending().await };
            let moved = match notices.recv().await {
                Ok(moved) => Some(moved),
                Err(RecvError::Lagged(_)) => None,
                Err(RecvError::Closed) => return std::future::pending().await,
            };
            Some((moved, Some(notices)))
        }))
    }
}
