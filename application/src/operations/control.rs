//! What pausing, resuming and cancelling have in common.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use muster_domain::OperationId;
use muster_domain::operations::{Operation, PauseReason, TransitionError};

use crate::ports::StartOperation;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Locks an operation, lets `change` move it, and stores it when that says so. Blocks that are being done go on; none
    /// begins any more once it is stored that the operation is stopped.
    pub(super) async fn control(
        &self,
        ctx: &Context,
        id: OperationId,
        change: impl FnOnce(&mut Operation, DateTime<Utc>) -> Result<bool, AppError> + Send,
    ) -> Result<Operation, AppError> {
        let now = self.ports.clock.now();
        let mut uow = self.begin(ctx).await?;
        let mut operation = uow.operations().lock(id).await?.ok_or_else(|| AppError::not_found("operation"))?;
        let waited_for = operation.pause.map(|pause| pause.reason);
        if change(&mut operation, now)? {
            if operation.state.is_going() && waited_for == Some(PauseReason::OutcomeDiffers) {
                uow.operations().accept_outcomes(id).await?;
            }
            if operation.state.is_final() {
                uow.operations().end(&operation).await?;
            } else {
                uow.operations().store(&operation, now).await?;
            }
            uow.commit().await?;
            if operation.state.is_final() {
                self.ports.tally.ended(operation.kind, operation.state);
            }
        }
        Ok(operation)
    }

    /// As `control`, and waits for the blocks that were being done: afterwards nothing moves.
    pub(super) async fn stop(
        &self,
        ctx: &Context,
        id: OperationId,
        change: impl FnOnce(&mut Operation, DateTime<Utc>) -> Result<bool, AppError> + Send,
    ) -> Result<Operation, AppError> {
        self.control(ctx, id, change).await?;
        let mut uow = self.begin(ctx).await?;
        uow.operations().drain(id).await?;
        let operation = uow.operations().find(id).await?.ok_or_else(|| AppError::not_found("operation"))?;
        uow.commit().await?;
        Ok(operation)
    }

    /// Tells the workflow that its operation has moved. Should the engine be down, the sweeper or the workflow itself
    /// finds out later: what is stored decides.
    pub(super) async fn wake(&self, operation: &Operation) {
        if let Err(error) = self.ports.workflows.wake_operation(&StartOperation::of(operation)).await {
            tracing::warn!(
                operation.id = %operation.id,
                error = &error as &dyn std::error::Error,
                "a workflow hears later that its operation has moved"
            );
        }
    }
}

/// A move that an operation does not make from where it is.
pub(super) fn cannot(error: TransitionError) -> AppError {
    refused(error.to_string())
}

/// What an operation does not do in the state that it is in, or does not do at all.
pub(crate) fn refused(message: impl Into<Cow<'static, str>>) -> AppError {
    AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message)
}
