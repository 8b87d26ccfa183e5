use chrono::{DateTime, Utc};

use super::{ImportOptions, OperationState, Progress, RowIds, TransitionError, UploadFormat};
use crate::{OperationId, TenantId};

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Makes users from an upload.
    UsersImport,
}

impl OperationKind {
    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsersImport => "users.import",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::UsersImport].into_iter().find(|kind| kind.name() == name)
    }
}

/// Why an operation as a whole failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Stable code.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

/// What is known of an operation when it begins.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its identity.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// How its rows come in.
    pub format: UploadFormat,
    /// When it was made: the timestamp in its users' ids.
    pub created_at: DateTime<Utc>,
}

/// An operation as stored.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its identity.
    pub id: OperationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub state: OperationState,
    /// How its rows came in.
    pub format: UploadFormat,
    /// What was asked.
    pub options: ImportOptions,
    /// Columns of the upload that nobody knows; they were ignored.
    pub unknown_columns: Vec<String>,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed as a whole.
    pub failure: Option<OperationFailure>,
    /// When the upload began.
    pub created_at: DateTime<Utc>,
    /// When the last row was received.
    pub queued_at: Option<DateTime<Utc>>,
    /// When a worker began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached a final state.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Operation {
    /// The ids of the users it makes.
    pub fn row_ids(&self) -> RowIds {
        RowIds::new(self.tenant, self.id, self.created_at)
    }

    /// Judges a finished ledger.
    ///
    /// # Errors
    /// When the operation cannot end from where it is.
    pub fn finish(&mut self, now: DateTime<Utc>) -> Result<(), TransitionError> {
        let Progress { created, failed, .. } = self.progress;
        let end = match (created, failed) {
            (_, 0) => OperationState::Succeeded,
            (0, _) => OperationState::Failed,
            _ => OperationState::PartiallySucceeded,
        };
        if end == OperationState::Failed {
            self.failure = Some(OperationFailure {
                code: "ROWS_FAILED".to_owned(),
                detail: format!("{failed} of {} rows are wrong; no user was created", self.progress.rows_total),
            });
        }
        self.end(end, now)
    }

    /// Ends it because it could not be carried on.
    ///
    /// # Errors
    /// When the operation cannot end from where it is.
    pub fn fail(&mut self, failure: OperationFailure, now: DateTime<Utc>) -> Result<(), TransitionError> {
        self.failure = Some(failure);
        self.end(OperationState::Failed, now)
    }

    fn end(&mut self, end: OperationState, now: DateTime<Utc>) -> Result<(), TransitionError> {
        self.state = self.state.to(end)?;
        self.started_at.get_or_insert(now);
        self.finished_at = Some(now);
        Ok(())
    }
}
