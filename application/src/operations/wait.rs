use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use muster_domain::OperationId;
use muster_domain::operations::Operation;
use tokio::time::{Instant, timeout};

use crate::{App, AppError, Context};

/// A notice may be missed (the listener reconnects), so look again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl App {
    /// The operation when it has ended or is paused, or as it is after `patience`. Who waits is told of a pause as of an
    /// end: nothing more happens until somebody acts.
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
            // Listen before looking, so that a move in between is not missed.
            let moves = self.ports.watch.moves().filter(|moved| ready(moved.is_none_or(|moved| moved == id)));
            let operation = self.operation(ctx, id).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if operation.state.rests() || left.is_zero() {
                return Ok(operation);
            }
            let _ = timeout(left.min(LOOK_AGAIN), pin!(moves).next()).await;
        }
    }
}
