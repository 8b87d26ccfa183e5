//! Following operations: whoever follows one is told of each change, however many follow.

mod hub;
mod sighting;

use std::sync::Arc;

use muster_domain::OperationId;
use tokio::sync::watch::Receiver;

use self::hub::Glimpse;
pub(crate) use self::hub::Hub;
pub use self::sighting::{Rendered, Sighting};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Somebody who follows an operation. When the last one is dropped, nobody looks at the operation any more.
pub struct Watcher {
    app: App,
    ctx: Context,
    operation: OperationId,
    /// None only while it is dropped.
    glimpses: Option<Receiver<Glimpse>>,
}

impl App {
    /// Follows an operation, beginning with what it is like now.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's; `Unavailable` when storage is down, or when this process has as many
    /// watchers as it may.
    pub async fn watch_operation(&self, ctx: &Context, id: OperationId) -> Result<Watcher, AppError> {
        let glimpses = Some(hub::join(self, ctx.tenant, id)?);
        let mut watcher = Watcher { app: self.clone(), ctx: ctx.clone(), operation: id, glimpses };
        loop {
            match watcher.glimpse() {
                Glimpse::Seen(_) => return Ok(watcher),
                Glimpse::Gone => return Err(AppError::not_found("operation")),
                Glimpse::Failed => {
                    let message = "the database is not available; try again later";
                    return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::ServiceUnavailable, message));
                }
                Glimpse::Unseen => watcher.changed().await,
            }
        }
    }
}

impl Watcher {
    /// The operation as it was last seen; none when it has been removed.
    pub fn sighting(&mut self) -> Option<Arc<Sighting>> {
        match self.glimpse() {
            Glimpse::Seen(sighting) => Some(sighting),
            Glimpse::Unseen | Glimpse::Gone | Glimpse::Failed => None,
        }
    }

    /// Waits until the operation was seen to be different from [`Watcher::sighting`]. What changes in between is passed
    /// over: only the latest counts.
    pub async fn changed(&mut self) {
        let Some(glimpses) = &mut self.glimpses else { return };
        if glimpses.changed().await.is_err() {
            // Nobody looks at it any more; those who follow keep that from happening.
            std::future::pending::<()>().await;
        }
    }

    fn glimpse(&mut self) -> Glimpse {
        self.glimpses.as_mut().map_or(Glimpse::Gone, |glimpses| glimpses.borrow_and_update().clone())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.glimpses.take());
        self.app.hub.leave(self.ctx.tenant, self.operation);
    }
}
