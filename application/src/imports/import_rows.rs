use muster_domain::UserId;
use muster_domain::operations::{BlockPayload, OnConflict, Operation, StoredRow};
use muster_domain::users::{NewUser, UserFields};

use super::problems::{Holders, failed_row};
use super::{ImportRow, RowProblem, decode_block};
use crate::busy::busy;
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError, ErrorCode, ErrorKind};

/// The rows of a block after the domain has looked at them.
#[derive(Default)]
struct ParsedBlock {
    /// To be made, each under the id of its row.
    users: Vec<(UserId, NewUser)>,
    /// Line of the file for each of `users`.
    lines: Vec<u64>,
    /// Those that name the user they are about.
    named: Vec<MetRow>,
    failed: Vec<StoredRow>,
}

/// A row of somebody who is there: they have its e-mail address or its user name, or it gives their id.
pub(super) struct MetRow {
    pub(super) row: u32,
    pub(super) line: u64,
    pub(super) user: NewUser,
    pub(super) id: Option<UserId>,
}

impl App {
    /// Makes users of the rows of a block that are not `reported`; what becomes of those whose user is there already is a policy of the operation.
    pub(crate) async fn import_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
        reported: &[StoredRow],
    ) -> Result<BlockWork, AppError> {
        let mut parsed = busy(|| self.parse_block(operation, payload, reported))?;
        let met = self.insert_users(uow, operation, &mut parsed).await?;
        let created = count(parsed.users.len() - met.len())?;
        let mut met: Vec<_> = met.into_iter().chain(parsed.named).collect();
        met.sort_unstable_by_key(|met| met.row);
        let mut rows = parsed.failed;
        rows.extend(self.judge(uow, operation, met).await?);
        Ok(BlockWork { created, rows })
    }

    fn parse_block(
        &self,
        operation: &Operation,
        payload: &BlockPayload,
        reported: &[StoredRow],
    ) -> Result<ParsedBlock, AppError> {
        let text = decode_block(payload)?;
        let (ids, options) = (operation.row_ids(), operation.options);
        let by_id = options.meets_by_id();
        let mut parsed = ParsedBlock::default();
        parsed.users.reserve_exact(usize::try_from(payload.rows).unwrap_or_default());
        parsed.lines.reserve_exact(usize::try_from(payload.rows).unwrap_or_default());
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (number, text) in (payload.first_row..).zip(lines) {
            if is_reported(reported, number) {
                continue;
            }
            let row: ImportRow<'_> = serde_json::from_slice(text).map_err(AppError::internal)?;
            let line = row.line;
            let id = if by_id { row.user_id() } else { Ok(None) };
            match self.parse_row(&row).and_then(|user| Ok((user, id?))) {
                Ok((user, None)) => {
                    parsed.users.push((ids.id(number), user));
                    parsed.lines.push(line);
                }
                Ok((user, id)) => parsed.named.push(MetRow { row: number, line, user, id }),
                Err(problems) => parsed.failed.push(failed_row(number, line, &problems)?),
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

    /// Inserts what is free, and gives the rest.
    async fn insert_users(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        parsed: &mut ParsedBlock,
    ) -> Result<Vec<MetRow>, AppError> {
        if parsed.users.is_empty() {
            return Ok(Vec::new());
        }
        let mut lost = uow.users().insert_free(&parsed.users, self.ports.clock.now()).await?;
        lost.sort_unstable();
        let ids = operation.row_ids();
        let users = parsed.users.iter().zip(&parsed.lines);
        users
            .filter(|((id, _), _)| lost.binary_search(id).is_ok())
            .map(|((id, user), line)| {
                let row = ids.row(*id).ok_or_else(|| AppError::internal("an id that is not of this operation"))?;
                Ok(MetRow { row, line: *line, user: user.clone(), id: None })
            })
            .collect()
    }

    /// What becomes of the rows of those who are there.
    async fn judge(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        met: Vec<MetRow>,
    ) -> Result<Vec<StoredRow>, AppError> {
        if met.is_empty() {
            return Ok(Vec::new());
        }
        let emails: Vec<_> = met.iter().map(|met| met.user.email.as_str()).collect();
        let usernames: Vec<_> = met.iter().map(|met| met.user.username.folded()).collect();
        let holders = Holders::new(uow.users().holders(&emails, &usernames).await?, operation.row_ids());
        if operation.options.on_conflict == OnConflict::Fail {
            return met.iter().map(|met| failed_row(met.row, met.line, &holders.problems(&met.user))).collect();
        }
        self.meet(uow, operation, met, &holders).await
    }
}

/// Whether a row, of which these are stored by number, is one of them.
pub(crate) fn is_reported(reported: &[StoredRow], number: u32) -> bool {
    reported.binary_search_by_key(&number, |row| row.row).is_ok()
}

fn count(rows: usize) -> Result<u32, AppError> {
    u32::try_from(rows)
        .map_err(|_| AppError::new(ErrorKind::Internal, ErrorCode::InternalServerError, "a block is too large"))
}
