use muster_domain::OperationId;
use muster_domain::operations::{Operation, OperationState, PauseReason};

use super::control::cannot;
use crate::{App, AppError, Context};

impl App {
    /// Stops an operation between two blocks; when this returns, no row is done any more. One that is paused stays so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended, or is still being received.
    pub async fn pause_operation(&self, ctx: &Context, id: OperationId) -> Result<Operation, AppError> {
        self.stop(ctx, id, |operation, now| {
            if operation.state == OperationState::Paused {
                return Ok(false);
            }
            operation.pause(PauseReason::Asked, now).map_err(cannot)?;
            Ok(true)
        })
        .await
    }

    /// Pauses an operation of which more rows failed than its error budget allows, unless it is done.
    pub(crate) async fn pause_if_over_budget(&self, ctx: &Context, id: OperationId) -> Result<(), AppError> {
        if !self.operation(ctx, id).await?.is_over_budget() {
            return Ok(());
        }
        let pause = |operation: &mut Operation, now| {
            let is_due = operation.state.is_going() && operation.is_over_budget();
            if is_due {
                operation.pause(PauseReason::ErrorBudget, now).map_err(cannot)?;
            }
            Ok(is_due)
        };
        self.control(ctx, id, pause).await.map(drop)
    }
}
