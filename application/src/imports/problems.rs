use std::collections::HashMap;

use muster_domain::operations::{RowIds, RowStatus, StoredRow};
use muster_domain::users::{NewUser, TakenBy};
use muster_domain::{FieldError, UserId};

use super::RowProblem;
use crate::AppError;

impl From<FieldError> for RowProblem {
    fn from(error: FieldError) -> Self {
        Self { field: Some(error.field.into()), code: error.code.into(), detail: error.detail }
    }
}

/// A row that could not be done, ready to be stored.
pub(crate) fn failed_row(row: u32, line: u64, problems: &[RowProblem]) -> Result<StoredRow, AppError> {
    let problems = serde_json::to_string(problems).map_err(AppError::internal)?;
    Ok(StoredRow { problems, ..StoredRow::new(row, line, RowStatus::Failed) })
}

/// Why a user was not inserted: who holds the e-mail address or the user name, a row of this file or somebody else.
pub(super) struct Holders {
    by_email: HashMap<String, UserId>,
    by_username: HashMap<String, UserId>,
    ids: RowIds,
}

impl Holders {
    pub(super) fn new(holders: Vec<TakenBy>, ids: RowIds) -> Self {
        let mut by_email = HashMap::with_capacity(holders.len());
        let mut by_username = HashMap::with_capacity(holders.len());
        for TakenBy { id, email, username } in holders {
            by_email.insert(email, id);
            by_username.insert(username, id);
        }
        Self { by_email, by_username, ids }
    }

    /// Who has this e-mail address, in normal form.
    pub(super) fn of_email(&self, email: &str) -> Option<UserId> {
        self.by_email.get(email).copied()
    }

    /// Who has this user name, folded.
    pub(super) fn of_username(&self, username: &str) -> Option<UserId> {
        self.by_username.get(username).copied()
    }

    /// What is wrong with wanting this address or this name, in the form in which storage has it.
    pub(super) fn problem_of(&self, field: &'static str, value: &str) -> Option<RowProblem> {
        let holder = if field == "email" { self.of_email(value) } else { self.of_username(value) };
        holder.map(|id| self.problem(field, id))
    }

    pub(super) fn problems(&self, user: &NewUser) -> Vec<RowProblem> {
        let email = self.problem_of("email", user.email.as_str());
        let username = self.problem_of("username", &user.username.folded());
        let problems: Vec<_> = [email, username].into_iter().flatten().collect();
        if problems.is_empty() {
            // Whoever held it is gone by now; the row lost all the same.
            return vec![RowProblem {
                field: None,
                code: "duplicate".into(),
                detail: "e-mail address or user name was taken while this row was imported".into(),
            }];
        }
        problems
    }

    fn problem(&self, field: &'static str, holder: UserId) -> RowProblem {
        match self.ids.row(holder) {
            Some(row) => RowProblem {
                field: Some(field.into()),
                code: "duplicate_in_file".into(),
                detail: format!("is the same as in row {row} of this upload").into(),
            },
            None => RowProblem {
                field: Some(field.into()),
                code: "duplicate".into(),
                detail: "belongs to an existing user".into(),
            },
        }
    }
}
