use muster_domain::mails::MailBatch;
use muster_domain::operations::{
    BlockOutcome, BlockPayload, OnError, Operation, OperationKind, OperationState, RowStatus, StoredRow,
};
use muster_domain::users::BlockEvent;

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

impl BlockWork {
    fn outcome(&self) -> BlockOutcome {
        let mut outcome = BlockOutcome { created: self.created, ..BlockOutcome::default() };
        for row in &self.rows {
            match row.status {
                RowStatus::Created | RowStatus::MailRefused => {}
                RowStatus::Updated | RowStatus::Deleted | RowStatus::Restored | RowStatus::Erased => {
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
    /// done, when the operation is not going on; whoever stops it waits until this has ended.
    pub(super) async fn run_block(
        &self,
        ctx: &Context,
        operation: &Operation,
        number: u32,
    ) -> Result<Option<BlockDone>, AppError> {
        let mut uow = self.begin(ctx).await?;
        let Some(block) = uow.operations().lock_block(operation.id, number).await? else {
            return Err(AppError::not_found("block"));
        };
        if let Some(outcome) = block.outcome {
            return Ok(Some(BlockDone { outcome, ended: None }));
        }
        if !block.operation.is_going() {
            return Ok(None);
        }
        let mut work = self.do_rows(uow.as_mut(), operation, &block.payload).await?;
        let abort = operation.options.on_error == OnError::Abort && work.outcome().failed > 0;
        if abort {
            // All or nothing: undo everything, and only report.
            drop(uow);
            work.created = 0;
            work.rows.retain(|row| row.status == RowStatus::Failed);
            uow = self.begin(ctx).await?;
            let again = uow.operations().lock_block(operation.id, number).await?;
            if let Some(outcome) = again.as_ref().and_then(|block| block.outcome) {
                return Ok(Some(BlockDone { outcome, ended: None }));
            }
            if !again.is_some_and(|block| block.operation.is_going()) {
                return Ok(None);
            }
        }
        let outcome = work.outcome();
        let ended = self.settle(uow, operation, &block.payload, work).await?;
        Ok(Some(BlockDone { outcome, ended }))
    }

    /// What a kind of operation does with the rows of a block, within the transaction of the block.
    async fn do_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        match operation.kind {
            OperationKind::UsersImport => self.import_rows(uow, operation, payload).await,
            OperationKind::UsersUpdate
            | OperationKind::UsersDeactivate
            | OperationKind::UsersDelete
            | OperationKind::UsersRestore
            | OperationKind::UsersErase => self.change_rows(uow, operation, payload).await,
            OperationKind::Undo => self.undo_rows(uow, operation, payload).await,
            OperationKind::UsersExport => Err(AppError::internal("an export has no rows")),
        }
    }

    async fn settle(
        &self,
        mut uow: Box<dyn UnitOfWork>,
        operation: &Operation,
        payload: &BlockPayload,
        mut work: BlockWork,
    ) -> Result<Option<OperationState>, AppError> {
        let (now, outcome) = (self.ports.clock.now(), work.outcome());
        if !work.rows.is_empty() {
            work.rows.sort_unstable_by_key(|row| row.row);
            uow.operations().insert_rows(operation.id, &work.rows).await?;
        }
        if operation.options.send_welcome && outcome.created > 0 {
            let batch = MailBatch {
                first_row: payload.first_row,
                last_row: payload.last_row(),
                done_through: payload.first_row - 1,
                deferred: Vec::new(),
            };
            uow.mails().insert(operation.id, payload.number, &batch, outcome.created, now).await?;
        }
        if outcome.created > 0 {
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
