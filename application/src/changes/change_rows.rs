use std::collections::HashMap;

use muster_domain::operations::{BlockPayload, MatchBy, Operation, OperationKind, StoredRow};
use muster_domain::users::{EmailAddress, Given, UserChanges, UserPatch, Username};
use muster_domain::{FieldError, UserId};

use super::{Change, Wanted};
use crate::busy::busy;
use crate::imports::{ImportRow, RowProblem, decode_block, failed_row, is_reported};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// By what a row finds its user, in the form in which storage has it.
enum Key {
    Id(UserId),
    Email(String),
    Username(String),
}

struct Parsed {
    row: u32,
    line: u64,
    key: Key,
    change: Change,
}

impl App {
    /// Does to the users of a block's rows, but for those that are `reported`, what the kind of the operation says.
    pub(crate) async fn change_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
        reported: &[StoredRow],
    ) -> Result<BlockWork, AppError> {
        let (parsed, mut rows) = busy(|| self.parse_changes(operation, payload, reported))?;
        let found = found(uow, &parsed).await?;
        let mut wanted = Vec::with_capacity(parsed.len());
        for Parsed { row, line, key, change } in parsed {
            let target = match &key {
                Key::Id(id) => Some(*id),
                Key::Email(text) | Key::Username(text) => found.get(text).copied(),
            };
            if let Some(target) = target {
                wanted.push(Wanted { row, line, target, change, expected: None });
            } else {
                let field = operation.options.match_by.name();
                let problem = RowProblem::of(field, "not_found", "there is no such living user");
                rows.push(failed_row(row, line, &[problem])?);
            }
        }
        rows.extend(self.apply_changes(uow, operation, wanted).await?);
        Ok(BlockWork { created: 0, rows })
    }

    /// What each row wants, and those that cannot be read.
    fn parse_changes(
        &self,
        operation: &Operation,
        payload: &BlockPayload,
        reported: &[StoredRow],
    ) -> Result<(Vec<Parsed>, Vec<StoredRow>), AppError> {
        let text = decode_block(payload)?;
        let (mut parsed, mut failed) = (Vec::new(), Vec::new());
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for (number, line) in (payload.first_row..).zip(lines) {
            if is_reported(reported, number) {
                continue;
            }
            let row: ImportRow<'_> = serde_json::from_slice(line).map_err(AppError::internal)?;
            match self.parse_change(operation, &row) {
                Ok((key, change)) => parsed.push(Parsed { row: number, line: row.line, key, change }),
                Err(problems) => failed.push(failed_row(number, row.line, &problems)?),
            }
        }
        Ok((parsed, failed))
    }

    fn parse_change(&self, operation: &Operation, row: &ImportRow<'_>) -> Result<(Key, Change), Vec<RowProblem>> {
        if !row.problems.is_empty() {
            return Err(row.problems.clone());
        }
        let match_by = operation.options.match_by;
        let key = self.key_of(match_by, row)?;
        let change = match operation.kind {
            OperationKind::UsersDelete => Change::Delete,
            OperationKind::UsersRestore => Change::Restore,
            OperationKind::UsersErase => Change::Erase,
            OperationKind::UsersDeactivate => {
                Change::Set(UserChanges { is_active: Some(false), ..UserChanges::default() })
            }
            _ => Change::Set(self.changes_of(match_by, row)?),
        };
        Ok((key, change))
    }

    fn key_of(&self, match_by: MatchBy, row: &ImportRow<'_>) -> Result<Key, Vec<RowProblem>> {
        let missing = || vec![RowProblem::of(match_by.name(), "missing", "is required to find the user")];
        match match_by {
            MatchBy::Id => row.user_id()?.map(Key::Id).ok_or_else(missing),
            MatchBy::Email => {
                let text = row.email.as_deref().ok_or_else(missing)?;
                let email =
                    EmailAddress::parse(text, self.settings.email_policy).map_err(|error| vec![error.into()])?;
                Ok(Key::Email(email.as_str().to_owned()))
            }
            MatchBy::Username => {
                let text = row.username.as_deref().ok_or_else(missing)?;
                let username = Username::parse(text).map_err(|error: FieldError| vec![error.into()])?;
                Ok(Key::Username(username.folded()))
            }
        }
    }

    /// What a row sets: whatever it gives but for the key, which stays.
    fn changes_of(&self, match_by: MatchBy, row: &ImportRow<'_>) -> Result<UserChanges, Vec<RowProblem>> {
        let patch = UserPatch {
            email: given(row.email.as_deref(), match_by == MatchBy::Email),
            username: given(row.username.as_deref(), match_by == MatchBy::Username),
            full_name: match row.full_name.as_deref() {
                None if row.clears_name => Given::Null,
                text => given(text, false),
            },
            is_active: row.is_active,
        };
        UserChanges::parse(patch, self.settings.email_policy)
            .map_err(|errors| errors.into_iter().map(RowProblem::from).collect())
    }
}

const fn given(text: Option<&str>, is_key: bool) -> Given<'_> {
    match text {
        Some(text) if !is_key => Given::Text(text),
        _ => Given::Absent,
    }
}

/// The living users who have the addresses or names by which rows find them.
async fn found(uow: &mut dyn UnitOfWork, parsed: &[Parsed]) -> Result<HashMap<String, UserId>, AppError> {
    let (mut emails, mut usernames) = (Vec::new(), Vec::new());
    for parsed in parsed {
        match &parsed.key {
            Key::Id(_) => {}
            Key::Email(email) => emails.push(email.as_str()),
            Key::Username(username) => usernames.push(username.clone()),
        }
    }
    if emails.is_empty() && usernames.is_empty() {
        return Ok(HashMap::new());
    }
    let holders = uow.users().holders(&emails, &usernames).await?;
    let by_email = usernames.is_empty();
    Ok(holders.into_iter().map(|holder| (if by_email { holder.email } else { holder.username }, holder.id)).collect())
}
