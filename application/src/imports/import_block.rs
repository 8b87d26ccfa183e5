use muster_domain::UserId;
use muster_domain::mails::MailBatch;
use muster_domain::operations::{BlockOutcome, BlockPayload, FailedRow, OnError, Operation, OperationState};
use muster_domain::users::{BlockEvent, NewUser, UserFields};

use super::problems::{Holders, failed_row};
use super::{ImportRow, RowProblem, decode_block};
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// The rows of a block after the domain has looked at them.
#[derive(Default)]
struct ParsedBlock {
    users: Vec<(UserId, NewUser)>,
    /// Line of the file for each of `users`.
    lines: Vec<u64>,
    failed: Vec<FailedRow>,
}

/// What became of a block.
pub(super) struct BlockDone {
    /// Its line in the ledger.
    pub(super) outcome: BlockOutcome,
    /// The state that the operation ended in, if this block was its only one and was done just now.
    pub(super) ended: Option<OperationState>,
}

impl App {
    /// Does one block, exactly once: its users, its bad rows, its mail batch and its line in the ledger are one
    /// transaction. A block that has an outcome is not done again, however often this is called. None, and nothing done,
    /// when the operation is not going on; whoever stops it waits until this has ended.
    pub(super) async fn import_block(
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
        let mut parsed = self.parse_block(operation, &block.payload)?;
        let lost = self.insert_users(uow.as_mut(), operation, &parsed).await?;
        let created = parsed.users.len() - lost.len();
        parsed.failed.extend(lost);
        parsed.failed.sort_unstable_by_key(|row| row.row);

        let abort = operation.options.on_error == OnError::Abort && !parsed.failed.is_empty();
        let outcome =
            BlockOutcome { created: if abort { 0 } else { count(created)? }, failed: count(parsed.failed.len())? };
        if abort {
            // All or nothing: undo the users, and only report.
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
        let ended = self.settle(uow, operation, &block.payload, &parsed.failed, outcome).await?;
        Ok(Some(BlockDone { outcome, ended }))
    }

    async fn settle(
        &self,
        mut uow: Box<dyn UnitOfWork>,
        operation: &Operation,
        payload: &BlockPayload,
        failed: &[FailedRow],
        outcome: BlockOutcome,
    ) -> Result<Option<OperationState>, AppError> {
        let now = self.ports.clock.now();
        if !failed.is_empty() {
            uow.operations().insert_rows(operation.id, failed).await?;
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
            Some(self.end_import(uow.as_mut(), operation.id, operation.started_at).await?)
        } else {
            None
        };
        uow.commit().await?;
        Ok(ended)
    }

    fn parse_block(&self, operation: &Operation, payload: &BlockPayload) -> Result<ParsedBlock, AppError> {
        let text = decode_block(payload)?;
        let ids = operation.row_ids();
        let mut parsed = ParsedBlock::default();
        parsed.users.reserve_exact(usize::try_from(payload.rows).unwrap_or_default());
        parsed.lines.reserve_exact(usize::try_from(payload.rows).unwrap_or_default());
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (number, line) in (payload.first_row..).zip(lines) {
            let row: ImportRow<'_> = serde_json::from_slice(line).map_err(AppError::internal)?;
            match self.parse_row(&row) {
                Ok(user) => {
                    parsed.users.push((ids.id(number), user));
                    parsed.lines.push(row.line);
                }
                Err(problems) => parsed.failed.push(failed_row(number, row.line, &problems)?),
            }
        }
        Ok(parsed)
    }

    /// Applies the rules of the domain to a row as it was read.
    pub(crate) fn parse_row(&self, row: &ImportRow<'_>) -> Result<NewUser, Vec<RowProblem>> {
        let fields = UserFields {
            email: row.email.as_deref(),
            username: row.username.as_deref(),
            full_name: row.full_name.as_deref(),
        };
        if row.problems.is_empty() {
            return NewUser::parse(fields, self.settings.email_policy)
                .map_err(|errors| errors.into_iter().map(RowProblem::from).collect());
        }
        // An unreadable row: say what the reader saw, and of the other fields only what they break themselves.
        let mut problems = row.problems.clone();
        let whole = problems.iter().any(|problem| problem.field.is_none());
        if !whole && let Err(errors) = NewUser::parse(fields, self.settings.email_policy) {
            for error in errors {
                if !problems.iter().any(|problem| problem.field.as_deref() == Some(error.field)) {
                    problems.push(error.into());
                }
            }
        }
        Err(problems)
    }

    /// Inserts what is free and reports the rest.
    async fn insert_users(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        parsed: &ParsedBlock,
    ) -> Result<Vec<FailedRow>, AppError> {
        if parsed.users.is_empty() {
            return Ok(Vec::new());
        }
        let mut lost = uow.users().insert_free(&parsed.users, self.ports.clock.now()).await?;
        if lost.is_empty() {
            return Ok(Vec::new());
        }
        lost.sort_unstable();
        let losers: Vec<_> =
            parsed.users.iter().zip(&parsed.lines).filter(|((id, _), _)| lost.binary_search(id).is_ok()).collect();
        let emails: Vec<_> = losers.iter().map(|((_, user), _)| user.email.as_str()).collect();
        let usernames: Vec<_> = losers.iter().map(|((_, user), _)| user.username.folded()).collect();
        let ids = operation.row_ids();
        let holders = Holders::new(uow.users().holders(&emails, &usernames).await?, ids);
        losers
            .iter()
            .map(|((id, user), line)| {
                let row = ids.row(*id).ok_or_else(|| AppError::internal("an id that is not of this operation"))?;
                failed_row(row, **line, &holders.problems(user))
            })
            .collect()
    }
}

fn count(rows: usize) -> Result<u32, AppError> {
    u32::try_from(rows)
        .map_err(|_| AppError::new(ErrorKind::Internal, ErrorCode::InternalServerError, "a block is too large"))
}
