use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{
    OperationFile, OperationKind, OperationOptions, OperationState, Parent, Pause, PlanDigest, Progress, Relation,
    Retried, RowIds, RowStatus, TransitionError, UndoAsked, UploadFormat,
};
use crate::{OperationId, TaskId, TenantId, UserId};

/// Most rows of an operation that is small.
const SMALL_ROWS: u64 = 1_000;

/// Why an operation as a whole failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFailure {
    /// Stable code.
    pub code: String,
    /// One sentence for people.
    pub detail: String,
}

impl OperationFailure {
    const OUTCOME_DIFFERS: &str = "OUTCOME_DIFFERS";

    /// What it was to do was planned, and would come to something else now.
    pub fn outcome_differs() -> Self {
        Self {
            code: Self::OUTCOME_DIFFERS.to_owned(),
            detail: "its outcome would differ from the plan now; nothing was done; plan again".to_owned(),
        }
    }

    /// Whether nothing was done because it would not have come to what was planned.
    pub fn is_of_plan(&self) -> bool {
        self.code == Self::OUTCOME_DIFFERS
    }
}

/// What is known of an operation when it begins.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its identity.
    pub id: OperationId,
    /// What it does.
    pub kind: OperationKind,
    /// How its rows come in; of an export, how its file is written.
    pub format: UploadFormat,
    /// The operation that it is about or goes on with.
    pub parent: Option<Parent>,
    /// Who asked for it: the subject of their token.
    pub actor: Option<Arc<str>>,
    /// When it was made: the timestamp in its users' ids.
    pub created_at: DateTime<Utc>,
}

/// An operation as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its identity.
    pub id: OperationId,
    /// Whose it is.
    pub tenant: TenantId,
    /// What it does.
    pub kind: OperationKind,
    /// Where it is.
    pub state: OperationState,
    /// How its rows came in; of an export, how its file is written.
    pub format: UploadFormat,
    /// What was asked.
    pub options: OperationOptions,
    /// Columns of the upload that nobody knows; they were ignored.
    pub unknown_columns: Vec<String>,
    /// How far it is.
    pub progress: Progress,
    /// What its retries have come to.
    pub retried: Retried,
    /// Why it is paused, while it is.
    pub pause: Option<Pause>,
    /// Failed rows that its error budget does not count: those that were there when it was last resumed.
    pub errors_accepted: u64,
    /// The file that it has written.
    pub file: Option<OperationFile>,
    /// Why it failed as a whole.
    pub failure: Option<OperationFailure>,
    /// The operation that it is about or goes on with.
    pub parent: Option<Parent>,
    /// What a dry run came to, once it has ended.
    pub plan: Option<PlanDigest>,
    /// Whether rows that it has twice in different blocks were reported.
    pub is_prepared: bool,
    /// Who cancelled it wants it undone.
    pub undo_asked: Option<UndoAsked>,
    /// Who asked for it: the subject of their token.
    pub actor: Option<Arc<str>>,
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

    /// The user that a row of this status became, under the id that follows from its number. A dry run makes nobody.
    pub fn user_of(&self, row: u32, status: RowStatus) -> Option<UserId> {
        (status.is_user() && !self.options.dry_run).then(|| self.row_ids().id(row))
    }

    /// The task that a row of this status became.
    pub fn task_of(&self, row: u32) -> TaskId {
        TaskId::new(self.row_ids().id(row).get())
    }

    /// Whether those whom it makes get a welcome mail.
    pub const fn sends_welcomes(&self) -> bool {
        self.options.send_welcome && !self.options.dry_run && !self.kind.is_of_tasks()
    }

    /// The plan that it does, if it does one.
    pub fn plan_id(&self) -> Option<OperationId> {
        self.parent.filter(|parent| parent.relation == Relation::Apply).map(|parent| parent.id)
    }

    /// The operation whose failed rows it does again, if it does that.
    pub fn retry_of(&self) -> Option<OperationId> {
        self.parent.filter(|parent| parent.relation == Relation::Retry).map(|parent| parent.id)
    }

    /// Whether something is to be seen to before any of its blocks begins: rows that are in different blocks of an upload
    /// twice, or that a plan of several blocks still holds.
    pub fn needs_preparing(&self) -> bool {
        // What tasks say is nobody else's: rows of tasks repeat nothing.
        let is_of_rows = !matches!(self.kind, OperationKind::Undo | OperationKind::UsersExport);
        self.progress.blocks_total > 1 && is_of_rows && (!self.kind.is_of_tasks() || self.plan_id().is_some())
    }

    /// Whether it is done in a moment: somebody may be waiting for it.
    pub const fn is_small(&self) -> bool {
        self.progress.rows_total <= SMALL_ROWS && !matches!(self.kind, OperationKind::UsersExport)
    }

    /// Whether what it did can be taken back, once it has ended.
    pub const fn can_be_undone(&self) -> bool {
        self.kind.can_be_undone() && !self.options.dry_run
    }

    /// Rows done in a second, with one decimal, from the start to the last block that is done. None before the start,
    /// and when the time between the two is too short to be told.
    pub fn rows_per_second(&self) -> Option<f64> {
        let started_at = self.started_at?;
        let Some(settled_at) = self.progress.settled_at else { return Some(0.0) };
        let micros = (settled_at - started_at).num_microseconds().and_then(|micros| u64::try_from(micros).ok())?;
        let tenths = self.progress.rows_done.saturating_mul(10_000_000).checked_div(micros)?;
        Some(f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0)
    }

    /// Whether nobody will read the parts of its file: it has expired, or nothing goes on that could make it whole.
    pub fn file_is_useless(&self, now: DateTime<Utc>) -> bool {
        match self.file {
            Some(file) => file.has_expired(now),
            None => !self.state.is_going(),
        }
    }

    /// When its last mail was sent or refused: none while rows or mails are still to be done, or when it has no mails.
    pub fn mails_finished_at(&self) -> Option<DateTime<Utc>> {
        self.progress.mails_settled_at.filter(|_| self.state.is_final())
    }

    /// Judges a finished ledger.
    ///
    /// # Errors
    /// When the operation cannot end from where it is.
    pub fn finish(&mut self, now: DateTime<Utc>) -> Result<(), TransitionError> {
        let Progress { created, changed, failed, .. } = self.progress;
        let end = match (created + changed, failed) {
            (_, 0) => OperationState::Succeeded,
            (0, _) => OperationState::Failed,
            _ => OperationState::PartiallySucceeded,
        };
        if end == OperationState::Failed {
            let what = if self.kind.is_import() { "created" } else { "changed" };
            let whom = if self.kind.is_of_tasks() { "task" } else { "user" };
            let was = if self.options.dry_run { "would be" } else { "was" };
            self.failure = Some(OperationFailure {
                code: "ROWS_FAILED".to_owned(),
                detail: format!("{failed} of {} rows are wrong; no {whom} {was} {what}", self.progress.rows_total),
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

    /// What it did was taken back.
    ///
    /// # Errors
    /// When it has not ended, or was undone before.
    pub fn undone(&mut self) -> Result<(), TransitionError> {
        self.state = self.state.to(OperationState::Undone)?;
        Ok(())
    }

    pub(super) fn end(&mut self, end: OperationState, now: DateTime<Utc>) -> Result<(), TransitionError> {
        self.state = self.state.to(end)?;
        self.pause = None;
        self.started_at.get_or_insert(now);
        self.finished_at = Some(now);
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;
    use crate::operations::OnError;

    pub(crate) fn operation() -> Operation {
        let created_at = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        Operation {
            id: OperationId::new(Uuid::from_u128(1)),
            tenant: TenantId::new(Uuid::from_u128(7)),
            kind: OperationKind::UsersImport,
            state: OperationState::Running,
            format: UploadFormat::Csv,
            options: OperationOptions::of(OnError::Continue),
            unknown_columns: Vec::new(),
            progress: Progress::default(),
            retried: Retried::default(),
            pause: None,
            errors_accepted: 0,
            file: None,
            failure: None,
            parent: None,
            plan: None,
            is_prepared: false,
            undo_asked: None,
            actor: None,
            created_at,
            queued_at: Some(created_at),
            started_at: None,
            finished_at: None,
        }
    }

    #[test]
    fn speed_is_measured_from_the_start_to_the_last_block() {
        let mut operation = operation();
        assert_eq!(operation.rows_per_second(), None);
        let start = operation.created_at;
        operation.started_at = Some(start);
        assert_eq!(operation.rows_per_second(), Some(0.0));
        operation.progress.rows_done = 100_000;
        for (millis, expected) in [(0, None), (-5, None), (1500, Some(66_666.6)), (4_000_000, Some(25.0))] {
            operation.progress.settled_at = Some(start + TimeDelta::milliseconds(millis));
            assert_eq!(operation.rows_per_second(), expected, "{millis}");
        }
    }

    #[test]
    fn mails_are_not_finished_before_the_rows() {
        let mut operation = operation();
        operation.progress.mails_settled_at = operation.queued_at;
        assert_eq!(operation.mails_finished_at(), None);
        operation.state = OperationState::Succeeded;
        assert_eq!(operation.mails_finished_at(), operation.queued_at);
        operation.progress.mails_settled_at = None;
        assert_eq!(operation.mails_finished_at(), None);
    }
}
