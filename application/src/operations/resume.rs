use muster_domain::OperationId;
use muster_domain::operations::{ErrorBudget, Operation};

use super::control::cannot;
use crate::{App, AppError, Context};

impl App {
    /// Lets a paused operation go on, with a new error budget if one is given. The rows that failed so far do not count
    /// any more, and what differs from a plan is accepted. One that goes on already is left alone.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended, or is still being received.
    pub async fn resume_operation(
        &self,
        ctx: &Context,
        id: OperationId,
        max_errors: Option<ErrorBudget>,
    ) -> Result<Operation, AppError> {
        let resume = |operation: &mut Operation, _| {
            if operation.state.is_going() {
                return Ok(false);
            }
            operation.resume(max_errors).map_err(cannot)?;
            Ok(true)
        };
        let operation = self.control(ctx, id, resume).await?;
        self.wake(&operation).await;
        Ok(operation)
    }
}
