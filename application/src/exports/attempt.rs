use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_domain::operations::{BlockOutcome, FilePart, Operation, OperationFile};
use muster_domain::users::UserFilter;

use super::filter::filter_of;
use super::writer::Written;
use crate::operations::BlockDone;
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Parts of one transaction that removes them.
const PARTS_AT_ONCE: u32 = 50;

/// One try at writing the file of an export. Each part is stored by a short transaction that looks whether the operation goes
/// on and whether this is still the latest attempt; so whoever pauses or cancels waits for one part at most, and of two workers
/// that do the same export only the later one gets on.
pub(super) struct Attempt<'a> {
    app: &'a App,
    ctx: &'a Context,
    operation: &'a Operation,
    block: u32,
    number: u32,
}

/// How an attempt begins.
pub(super) enum Begun<'a> {
    /// There is a file to write, about these.
    Attempt(Attempt<'a>, UserFilter),
    /// The file was written before.
    Done(BlockOutcome),
    /// The operation does not go on.
    Stopped,
}

impl<'a> Attempt<'a> {
    /// Ends the attempts before it, and removes what they have left.
    pub(super) async fn begin(
        app: &'a App,
        ctx: &'a Context,
        operation: &'a Operation,
        number: u32,
    ) -> Result<Begun<'a>, AppError> {
        let mut uow = app.begin(ctx).await?;
        let Some(block) = uow.operations().lock_block(operation.id, number).await? else {
            return Err(AppError::not_found("block"));
        };
        if let Some(outcome) = block.outcome {
            return Ok(Begun::Done(outcome));
        }
        if !block.operation.is_going() {
            return Ok(Begun::Stopped);
        }
        let attempt = uow.files().begin_attempt(operation.id, number).await?;
        uow.commit().await?;
        let attempt = Self { app, ctx, operation, block: number, number: attempt };
        attempt.remove_parts(attempt.number - 1).await?;
        Ok(Begun::Attempt(attempt, filter_of(&block.payload)?))
    }

    /// Stores a part; `false`, and nothing stored, when the operation does not go on.
    pub(super) async fn store(&self, part: &FilePart, exported: u32) -> Result<bool, AppError> {
        let Some(mut uow) = self.hold().await? else { return Ok(false) };
        uow.files().append_part(self.operation.id, self.block, part, exported).await?;
        uow.commit().await?;
        Ok(true)
    }

    /// Ends the operation with the file that the parts make, which took so long. None, and nothing stored, when it does not go on.
    pub(super) async fn finish(
        &self,
        written: Written,
        took: Duration,
        now: DateTime<Utc>,
    ) -> Result<Option<BlockDone>, AppError> {
        let Some(mut uow) = self.hold().await? else { return Ok(None) };
        let Operation { id, format, started_at, .. } = *self.operation;
        let Written { bytes, rows, blake3 } = written;
        let expires_at = now + self.app.settings.export_keep;
        let file = OperationFile { attempt: self.number, format, bytes, rows, blake3, created_at: now, expires_at };
        uow.files().store_file(id, &file).await?;
        let outcome = BlockOutcome { exported: rows, ..BlockOutcome::default() };
        uow.operations().settle_block(id, self.block, outcome, now).await?;
        let ended = self.app.end_operation(uow.as_mut(), id, started_at).await?;
        uow.commit().await?;
        self.app.ports.tally.block_done(self.operation.kind, outcome, took);
        self.app.ports.tally.ended(self.operation.kind, ended);
        Ok(Some(BlockDone { outcome, ended: Some(ended) }))
    }

    /// Gives up: what was written is of no use to a later attempt, which sees other users.
    pub(super) async fn drop_parts(&self) -> Result<(), AppError> {
        self.remove_parts(self.number).await
    }

    /// A unit of work in which nobody else moves the export; none when it does not go on.
    async fn hold(&self) -> Result<Option<Box<dyn UnitOfWork>>, AppError> {
        let mut uow = self.app.begin(self.ctx).await?;
        let Some(block) = uow.operations().lock_block(self.operation.id, self.block).await? else {
            return Err(AppError::not_found("block"));
        };
        if block.outcome.is_some() || !block.operation.is_going() {
            return Ok(None);
        }
        if block.attempt != self.number {
            let message = "another attempt at this export has begun";
            return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::Cancelled, message));
        }
        Ok(Some(uow))
    }

    async fn remove_parts(&self, through: u32) -> Result<(), AppError> {
        loop {
            let mut uow = self.app.begin(self.ctx).await?;
            let removed = uow.files().remove_parts(self.operation.id, through, PARTS_AT_ONCE).await?;
            uow.commit().await?;
            if removed < PARTS_AT_ONCE {
                return Ok(());
            }
        }
    }
}
