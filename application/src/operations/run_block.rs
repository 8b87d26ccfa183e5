use std::time::Instant;

use muster_domain::OperationId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{
    BlockOutcome, BlockPayload, OnError, Operation, OperationFailure, OperationKind, OperationState, PauseReason,
    PlanDigest, RowStatus, StoredRow,
};
use muster_domain::users::BlockEvent;

use super::merge::mended;
use super::plan::digest_of_block;
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

/// What the rows of a block have come to, before it is committed.
#[derive(Default)]
pub(crate) struct BlockWork {
    /// Rows that became users: nothing is stored of them.
    pub(crate) created: u32,
    /// All other rows, in any order.
    pub(crate) rows: Vec<StoredRow>,
}

/// What became of a block.
pub(crate) struct BlockDone {
    /// Its line in the ledger.
    pub(crate) outcome: BlockOutcome,
    /// The state that the operation ended in, if this block was its only one and was done just now.
    pub(crate) ended: Option<OperationState>,
}

/// A block whose rows were done, in a unit of work that is not committed.
pub(super) enum Tried {
    /// Its line in the ledger is there already.
    Done(BlockOutcome),
    /// The operation is not going on.
    Stopped,
    /// Its rows were done.
    Worked(Box<Worked>),
}

/// What a block comes to.
pub(super) struct Worked {
    uow: Box<dyn UnitOfWork>,
    payload: BlockPayload,
    work: BlockWork,
    /// Nothing of it is to stay but the report: a row of an upload that is all or nothing failed.
    aborts: bool,
    /// What it comes to, where that is planned or was.
    digest: Option<PlanDigest>,
    /// It was planned to come to something else.
    pub(super) differs: bool,
}

impl BlockWork {
    pub(super) fn outcome(&self) -> BlockOutcome {
        let mut outcome = BlockOutcome { created: self.created, ..BlockOutcome::default() };
        for row in &self.rows {
            match row.status {
                RowStatus::Created | RowStatus::MailRefused => {}
                RowStatus::Updated
                | RowStatus::Deleted
                | RowStatus::Restored
                | RowStatus::Erased
                | RowStatus::Synced => {
                    outcome.changed += 1;
                }
                RowStatus::Skipped => outcome.skipped += 1,
                RowStatus::Failed => outcome.failed += 1,
            }
        }
        outcome
    }
}

impl App {
    /// Does one block, exactly once: what its rows do, what is reported of them, its mail batch and its line in the ledger
    /// are one transaction. A block that has an outcome is not done again, however often this is called. None, and nothing
    /// done, when the operation is not going on; whoever stops it waits until this has ended. Of a dry run only what is
    /// reported is kept; and of a block that would come to something else than was planned, nothing.
    pub(super) async fn run_block(
        &self,
        ctx: &Context,
        operation: &Operation,
        number: u32,
    ) -> Result<Option<BlockDone>, AppError> {
        let begun = Instant::now();
        let worked = match self.try_block(ctx, operation, number).await? {
            Tried::Done(outcome) => return Ok(Some(BlockDone { outcome, ended: None })),
            Tried::Stopped => return Ok(None),
            Tried::Worked(worked) => *worked,
        };
        let Worked { mut uow, payload, mut work, aborts, digest, differs } = worked;
        if operation.options.dry_run {
            // What nobody has changed has no former values.
            for row in &mut work.rows {
                (row.version, row.before) = (None, None);
            }
        }
        if aborts || differs || operation.options.dry_run {
            // Undo everything, and only report.
            drop(uow);
            uow = self.begin(ctx).await?;
            let again = uow.operations().lock_block(operation.id, number).await?;
            if let Some(outcome) = again.as_ref().and_then(|block| block.outcome) {
                return Ok(Some(BlockDone { outcome, ended: None }));
            }
            if !again.is_some_and(|block| block.operation.is_going()) {
                return Ok(None);
            }
        }
        if differs {
            let failed = self.stop_what_differs(uow.as_mut(), operation.id).await?;
            uow.commit().await?;
            if failed {
                self.ports.tally.ended(operation.kind, OperationState::Failed);
            }
            return Ok(None);
        }
        let outcome = work.outcome();
        if let Some(digest) = digest.filter(|_| operation.options.dry_run) {
            uow.operations().store_digest(operation.id, number, digest).await?;
        }
        let ended = self.settle(uow, operation, &payload, work).await?;
        let rows = if operation.options.dry_run { BlockOutcome::default() } else { outcome };
        self.ports.tally.block_done(operation.kind, rows, begun.elapsed());
        if let Some(state) = ended.filter(|state| state.is_final()) {
            self.ports.tally.ended(operation.kind, state);
        }
        Ok(Some(BlockDone { outcome, ended }))
    }

    /// Does the rows of a block that has no outcome yet, without committing it.
    pub(super) async fn try_block(&self, ctx: &Context, operation: &Operation, number: u32) -> Result<Tried, AppError> {
        let mut uow = self.begin(ctx).await?;
        let Some(block) = uow.operations().lock_block(operation.id, number).await? else {
            return Err(AppError::not_found("block"));
        };
        if let Some(outcome) = block.outcome {
            return Ok(Tried::Done(outcome));
        }
        if !block.operation.is_going() {
            return Ok(Tried::Stopped);
        }
        let payload = block.payload;
        let mut work = self.do_rows(uow.as_mut(), operation, &payload).await?;
        let aborts = operation.options.on_error == OnError::Abort && work.outcome().failed > 0;
        if aborts {
            work.created = 0;
            work.rows.retain(|row| row.status == RowStatus::Failed);
        }
        work.rows.sort_unstable_by_key(|row| row.row);
        let is_planned = operation.options.dry_run || block.expected.is_some();
        let digest = is_planned.then(|| digest_of_block(&work));
        let differs = block.expected.is_some() && block.expected != digest;
        Ok(Tried::Worked(Box::new(Worked { uow, payload, work, aborts, digest, differs })))
    }

    /// Of one block nothing was done, and nothing is going to be: it ends. Else it waits for somebody to decide, since other
    /// blocks may be done. Says whether it ends.
    async fn stop_what_differs(&self, uow: &mut dyn UnitOfWork, id: OperationId) -> Result<bool, AppError> {
        let Some(mut operation) = uow.operations().lock(id).await? else {
            return Err(AppError::not_found("operation"));
        };
        if !operation.state.is_going() {
            return Ok(false);
        }
        let now = self.ports.clock.now();
        if operation.progress.blocks_total == 1 {
            operation.fail(OperationFailure::outcome_differs(), now).map_err(AppError::internal)?;
            uow.operations().end(&operation).await?;
            return Ok(true);
        }
        operation.pause(PauseReason::OutcomeDiffers, now).map_err(AppError::internal)?;
        uow.operations().store(&operation, now).await?;
        Ok(false)
    }

    /// What a kind of operation does with the rows of a block, within the transaction of the block.
    async fn do_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        // Rows that were found to repeat others before any block began.
        let reported = if operation.is_prepared {
            uow.operations().stored_rows(operation.id, payload.first_row, payload.last_row()).await?
        } else {
            Vec::new()
        };
        let mut work = match operation.kind {
            OperationKind::UsersImport => self.import_rows(uow, operation, payload, &reported).await?,
            OperationKind::UsersUpdate
            | OperationKind::UsersDeactivate
            | OperationKind::UsersDelete
            | OperationKind::UsersRestore
            | OperationKind::UsersErase => self.change_rows(uow, operation, payload, &reported).await?,
            OperationKind::PartnersSync => self.sync_rows(uow, operation, payload, &reported).await?,
            OperationKind::Undo => self.undo_rows(uow, operation, payload).await?,
            OperationKind::TasksImport => self.import_task_rows(uow, operation, payload).await?,
            OperationKind::TasksStart
            | OperationKind::TasksComplete
            | OperationKind::TasksCancel
            | OperationKind::TasksReopen
            | OperationKind::TasksDelete => self.change_task_rows(uow, operation, payload).await?,
            OperationKind::TasksUndo => self.undo_task_rows(uow, operation, payload).await?,
            OperationKind::UsersExport => return Err(AppError::internal("an export has no rows")),
        };
        work.rows.extend(reported);
        Ok(work)
    }

    async fn settle(
        &self,
        mut uow: Box<dyn UnitOfWork>,
        operation: &Operation,
        payload: &BlockPayload,
        work: BlockWork,
    ) -> Result<Option<OperationState>, AppError> {
        let (now, outcome) = (self.ports.clock.now(), work.outcome());
        if !work.rows.is_empty() {
            uow.operations().insert_rows(operation.id, &work.rows).await?;
        }
        if let Some(parent) = operation.retry_of() {
            let mended = mended(operation, payload, &work)?;
            uow.operations().note_retried(parent, &mended).await?;
        }
        if operation.sends_welcomes() && outcome.created > 0 {
            let batch = MailBatch {
                first_row: payload.first_row,
                last_row: payload.last_row(),
                done_through: payload.first_row - 1,
                deferred: Vec::new(),
            };
            uow.mails().insert(operation.id, payload.number, &batch, outcome.created, now).await?;
        }
        if outcome.created > 0 && operation.kind == OperationKind::UsersImport && !operation.options.dry_run {
            let ids = operation.row_ids();
            let event = BlockEvent {
                id: self.ports.ids.event_id(),
                first: ids.id(payload.first_row),
                last: ids.id(payload.last_row()),
                operation: operation.id,
                actor: operation.actor.clone(),
                at: now,
            };
            uow.users().record_block(&event).await?;
        }
        uow.operations().settle_block(operation.id, payload.number, outcome, now).await?;
        let ended = if operation.progress.blocks_total == 1 {
            // The only block ends the operation: one commit less, and no second activity, for the small ones.
            Some(self.end_operation(uow.as_mut(), operation.id, operation.started_at).await?)
        } else {
            None
        };
        uow.commit().await?;
        Ok(ended)
    }
}
