use muster_domain::OperationId;
use muster_domain::operations::{Operation, OperationState};

use super::control::cannot;
use crate::{App, AppError, Context};

impl App {
    /// Ends an operation where it is; what is done stays, and when this returns nothing more is. One that is cancelled
    /// stays so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended otherwise, or is still being received.
    pub async fn cancel_operation(&self, ctx: &Context, id: OperationId) -> Result<Operation, AppError> {
        let cancel = |operation: &mut Operation, now| {
            if operation.state == OperationState::Cancelled {
                return Ok(false);
            }
            operation.cancel(now).map_err(cannot)?;
            Ok(true)
        };
        let operation = self.stop(ctx, id, cancel).await?;
        // One that waits would wait on.
        self.wake(&operation).await;
        Ok(operation)
    }
}
