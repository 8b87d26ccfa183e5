use muster_domain::OperationId;
use muster_domain::operations::{OperationKind, OperationState};

use crate::ports::Heartbeat;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Import the blocks `first_block..=last_block` of an operation.
#[derive(Debug, Clone, Copy)]
pub struct RunRange {
    /// Which operation.
    pub operation: OperationId,
    /// First block, from 0.
    pub first_block: u32,
    /// Last block.
    pub last_block: u32,
}

/// What the workflow must know to go on. Counts are not in it: they come from the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RangeDone {
    /// The operation has reached a final state.
    pub ended: bool,
    /// The operation is paused: what was not done waits.
    pub paused: bool,
    /// There are welcome mails to send.
    pub has_mails: bool,
    /// Where the operation is.
    pub state: OperationState,
}

impl App {
    /// Does every block of the range that has no outcome yet. Safe to repeat and to run twice at once.
    ///
    /// # Errors
    /// `Unavailable` when storage is down; blocks that are done stay done.
    pub async fn run_range(&self, ctx: &Context, range: RunRange, beat: &dyn Heartbeat) -> Result<RangeDone, AppError> {
        let mut uow = self.begin(ctx).await?;
        let Some(mut operation) = uow.operations().find(range.operation).await? else {
            return Err(AppError::not_found("operation"));
        };
        let single = operation.progress.blocks_total == 1;
        let exports = operation.kind == OperationKind::UsersExport;
        let open = if operation.state.is_going() {
            let now = self.ports.clock.now();
            operation.started_at.get_or_insert(now);
            // What one transaction does needs no word that it has begun.
            if !single || exports {
                uow.operations().start(operation.id, now).await?;
                operation.state = OperationState::Running;
            }
            uow.operations().open_blocks(operation.id, range.first_block, range.last_block).await?
        } else {
            Vec::new()
        };
        uow.commit().await?;

        if operation.is_over_budget() {
            // An earlier attempt ended between the block that passed it and the pause.
            self.pause_if_over_budget(ctx, operation.id).await?;
        }
        let (mut created, mut state) = (operation.progress.created > 0, operation.state);
        for block in open {
            go_on(beat)?;
            let done = if exports {
                self.export_users(ctx, &operation, block, beat).await?
            } else {
                self.run_block(ctx, &operation, block).await?
            };
            let Some(done) = done else {
                // Somebody has stopped it meanwhile.
                state = self.operation(ctx, operation.id).await?.state;
                break;
            };
            created |= done.outcome.created > 0;
            state = done.ended.unwrap_or(state);
            if done.outcome.failed > 0 && operation.options.max_errors.is_some() {
                // The next block looks at the state again.
                self.pause_if_over_budget(ctx, operation.id).await?;
            }
        }
        self.see_to_undo(ctx, operation.id, state).await?;
        let paused = state == OperationState::Paused;
        let has_mails = operation.sends_welcomes() && created;
        Ok(RangeDone { ended: state.is_final() || (single && !paused), paused, has_mails, state })
    }
}

/// Stops at a safe point when the work is no longer wanted from this worker.
pub(crate) fn go_on(beat: &dyn Heartbeat) -> Result<(), AppError> {
    if beat.is_cancelled() {
        return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::Cancelled, "the worker is stopping"));
    }
    Ok(())
}
