use std::time::Duration;

use muster_domain::OperationId;
use muster_domain::operations::Operation;
use tokio::time::{Instant, timeout};

use crate::{App, AppError, Context};

/// A notice may be missed (the listener reconnects), so look again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl App {
    /// The operation when it has ended, or as it is after `patience`.
    ///
    /// # Errors
    /// `NotFound` when there is no such operation.
    pub async fn wait_for_operation(
        &self,
        ctx: &Context,
        id: OperationId,
        patience: Duration,
    ) -> Result<Operation, AppError> {
        let deadline = Instant::now() + patience;
        loop {
            // Listen before looking, so that an end in between is not missed.
            let ended = self.ports.watch.ended(id);
            let operation = self.operation(ctx, id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if operation.state.is_final() || left.is_zero() {
                return Ok(operation);
            }
            let _ = timeout(left.min(LOOK_AGAIN), ended).await;
        }
    }
}
