use chrono::{DateTime, Utc};
use muster_domain::OperationId;
use muster_domain::operations::{OperationFailure, OperationKind, OperationState};

use super::RangeDone;
use super::plan::digest_of_plan;
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

/// End an operation whose blocks are done, or one that cannot be carried on.
#[derive(Debug, Clone)]
pub struct FinishOperation {
    /// Which operation.
    pub operation: OperationId,
    /// Why it cannot be carried on; none when its blocks are done.
    pub failure: Option<OperationFailure>,
}

impl App {
    /// Judges the ledger and stores the final state; an operation that has ended, or is paused, stays as it is.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn finish_operation(&self, ctx: &Context, command: FinishOperation) -> Result<RangeDone, AppError> {
        let mut uow = self.begin(ctx).await?;
        let before = uow.operations().lock(command.operation).await?.map(|operation| operation.state);
        if let Some(failure) = command.failure {
            self.fail_operation(uow.as_mut(), command.operation, failure).await?;
        } else {
            self.end_operation(uow.as_mut(), command.operation, None).await?;
        }
        let operation =
            uow.operations().find(command.operation).await?.ok_or_else(|| AppError::not_found("operation"))?;
        uow.commit().await?;
        let state = operation.state;
        if state.is_final() && before.is_some_and(|before| !before.is_final()) {
            self.ports.tally.ended(operation.kind, state);
        }
        self.see_to_undo(ctx, operation.id, state).await?;
        let paused = state == OperationState::Paused;
        Ok(RangeDone { ended: state.is_final(), paused, has_mails: operation.progress.mails_total > 0, state })
    }

    /// Whoever cancelled it may have wanted it undone, and died before that was begun.
    pub(super) async fn see_to_undo(
        &self,
        ctx: &Context,
        id: OperationId,
        state: OperationState,
    ) -> Result<(), AppError> {
        if state == OperationState::Cancelled {
            self.undo_cancelled(ctx, id, None).await?;
        }
        Ok(())
    }

    /// Within the caller's unit of work: ends an operation that cannot be carried on; `false` if it has ended already.
    pub(crate) async fn fail_operation(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: OperationId,
        failure: OperationFailure,
    ) -> Result<bool, AppError> {
        let found = uow.operations().lock(operation).await?;
        let Some(mut operation) = found.filter(|operation| !operation.state.is_final()) else {
            return Ok(false);
        };
        operation.fail(failure, self.ports.clock.now()).map_err(AppError::internal)?;
        uow.operations().end(&operation).await?;
        Ok(true)
    }

    /// Within the caller's unit of work, so that the last block and the end can be one commit; so the start of an
    /// operation with one block is stored only now.
    pub(crate) async fn end_operation(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: OperationId,
        started_at: Option<DateTime<Utc>>,
    ) -> Result<OperationState, AppError> {
        let repository = uow.operations();
        let Some(mut operation) = repository.lock(operation).await? else {
            return Err(AppError::not_found("operation"));
        };
        if !operation.state.is_going() {
            return Ok(operation.state);
        }
        if operation.progress.blocks_done < operation.progress.blocks_total {
            return Err(AppError::internal("an operation was to end with blocks that are not done"));
        }
        operation.started_at = operation.started_at.or(started_at);
        if operation.options.dry_run {
            operation.plan = Some(digest_of_plan(&repository.digests(operation.id).await?));
        }
        let now = self.ports.clock.now();
        operation.finish(now).map_err(AppError::internal)?;
        repository.end(&operation).await?;
        if matches!(operation.kind, OperationKind::Undo | OperationKind::TasksUndo)
            && operation.state == OperationState::Succeeded
            && let Some(parent) = operation.parent
        {
            note_undone(uow, parent.id, now).await?;
        }
        Ok(operation.state)
    }
}

/// All of it was taken back. Its results may have been removed meanwhile.
async fn note_undone(uow: &mut dyn UnitOfWork, parent: OperationId, now: DateTime<Utc>) -> Result<(), AppError> {
    if let Some(mut parent) = uow.operations().lock(parent).await?
        && parent.undone().is_ok()
    {
        uow.operations().store(&parent, now).await?;
    }
    Ok(())
}
