use muster_domain::OperationId;
use muster_domain::operations::{Operation, OperationFailure, OperationState, UploadedBlock};

use super::run_block::Tried;
use super::{RangeDone, go_on};
use crate::busy::busy;
use crate::imports::Repeats;
use crate::ports::{Heartbeat, UnitOfWork};
use crate::{App, AppError, Context};

impl App {
    /// Sees to what concerns all blocks of an operation, before any of them begins. Of rows that an upload has twice the
    /// first one wins; later ones are reported, wherever they are. And what does not come to what was planned ends here,
    /// with nothing done. Safe to repeat; once a block is done it does nothing.
    ///
    /// # Errors
    /// `Unavailable` when storage is down, or the worker stops.
    pub async fn prepare_operation(
        &self,
        ctx: &Context,
        id: OperationId,
        beat: &dyn Heartbeat,
    ) -> Result<RangeDone, AppError> {
        let mut uow = self.begin(ctx).await?;
        uow.operations().start(id, self.ports.clock.now()).await?;
        let found = uow.operations().find(id).await?;
        uow.commit().await?;
        let mut operation = found.ok_or_else(|| AppError::not_found("operation"))?;
        if operation.state.is_going() && operation.progress.blocks_done == 0 {
            if !operation.is_prepared && !operation.kind.is_of_tasks() {
                self.report_repeated_rows(ctx, &operation, beat).await?;
                operation = self.operation(ctx, id).await?;
            }
            if operation.plan_id().is_some() {
                self.verify_plan(ctx, &operation, beat).await?;
            }
            operation = self.operation(ctx, id).await?;
        }
        let state = operation.state;
        self.see_to_undo(ctx, id, state).await?;
        Ok(RangeDone { ended: state.is_final(), paused: state == OperationState::Paused, has_mails: false, state })
    }

    /// Stores which rows are repetitions, block by block, and then that all were looked at. Who does this again finds the
    /// rows that are stored, and goes on.
    async fn report_repeated_rows(
        &self,
        ctx: &Context,
        operation: &Operation,
        beat: &dyn Heartbeat,
    ) -> Result<(), AppError> {
        let mut repeats = Repeats::default();
        let mut next = 0;
        while let Some(block) = self.block_from(operation, next, beat).await? {
            next = block.number + 1;
            busy(|| self.count_keys(&mut repeats, operation, block))?;
        }
        next = 0;
        let are_several = repeats.counted();
        while are_several && let Some(block) = self.block_from(operation, next, beat).await? {
            next = block.number + 1;
            let mut uow = self.begin(ctx).await?;
            let rows = self.repeated_rows(uow.as_mut(), &mut repeats, operation, block).await?;
            if !rows.is_empty() {
                if !nothing_is_done(uow.as_mut(), operation.id).await? {
                    return Ok(());
                }
                uow.operations().insert_rows(operation.id, &rows).await?;
                uow.commit().await?;
            }
        }
        let mut uow = self.begin(ctx).await?;
        if nothing_is_done(uow.as_mut(), operation.id).await? {
            uow.operations().note_prepared(operation.id, self.ports.clock.now()).await?;
            uow.commit().await?;
        }
        Ok(())
    }

    async fn block_from(
        &self,
        operation: &Operation,
        from: u32,
        beat: &dyn Heartbeat,
    ) -> Result<Option<UploadedBlock>, AppError> {
        go_on(beat)?;
        Ok(self.ports.operations.block_from(operation.tenant, operation.id, from, 0).await?)
    }

    /// Does every block as it would be done, and takes it back.
    async fn verify_plan(&self, ctx: &Context, operation: &Operation, beat: &dyn Heartbeat) -> Result<(), AppError> {
        for number in 0..operation.progress.blocks_total {
            go_on(beat)?;
            match self.try_block(ctx, operation, number).await? {
                Tried::Worked(worked) if worked.differs => {
                    drop(worked);
                    let mut uow = self.begin(ctx).await?;
                    let failure = OperationFailure::outcome_differs();
                    let failed = self.fail_operation(uow.as_mut(), operation.id, failure).await?;
                    uow.commit().await?;
                    if failed {
                        self.ports.tally.ended(operation.kind, OperationState::Failed);
                    }
                    return Ok(());
                }
                Tried::Stopped => return Ok(()),
                Tried::Worked(_) | Tried::Done(_) => {}
            }
        }
        Ok(())
    }
}

/// Whether no block is done nor being done, as happens when a release that prepares nothing had begun the operation. None
/// is until the unit of work ends.
async fn nothing_is_done(uow: &mut dyn UnitOfWork, id: OperationId) -> Result<bool, AppError> {
    uow.operations().drain(id).await?;
    Ok(uow.operations().find(id).await?.is_some_and(|operation| operation.progress.blocks_done == 0))
}
