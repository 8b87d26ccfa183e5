//! Stopping an operation, going on with it, and ending it early.

use chrono::{DateTime, Utc};

use super::{ErrorBudget, Operation, OperationState, Progress, TransitionError};

/// Why an operation is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PauseReason {
    /// Somebody asked for it.
    Asked,
    /// More rows failed than its error budget allows.
    ErrorBudget,
    /// A block would have come to something else than the plan says; nothing of it was done.
    OutcomeDiffers,
}

impl PauseReason {
    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::ErrorBudget => "error_budget",
            Self::OutcomeDiffers => "outcome_differs",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Asked, Self::ErrorBudget, Self::OutcomeDiffers].into_iter().find(|reason| reason.name() == name)
    }
}

/// That an operation is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: PauseReason,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Operation {
    /// Whether more rows have failed than its budget allows, and there are blocks left that could be stopped.
    pub fn is_over_budget(&self) -> bool {
        let Progress { failed, rows_total, blocks_done, blocks_total, .. } = self.progress;
        let counted = failed.saturating_sub(self.errors_accepted);
        // Whoever plans wants to see everything that is wrong.
        blocks_done < blocks_total
            && !self.options.dry_run
            && self.options.max_errors.is_some_and(|budget| budget.is_passed(counted, rows_total))
    }

    /// Stops it between two blocks, until somebody resumes it.
    ///
    /// # Errors
    /// When it is not going on.
    pub fn pause(&mut self, reason: PauseReason, now: DateTime<Utc>) -> Result<(), TransitionError> {
        self.state = self.state.to(OperationState::Paused)?;
        self.pause = Some(Pause { reason, since: now });
        Ok(())
    }

    /// Lets it go on, with a new budget if one is given. The rows that failed so far are accepted: the budget counts
    /// from here.
    ///
    /// # Errors
    /// When it is not paused.
    pub fn resume(&mut self, max_errors: Option<ErrorBudget>) -> Result<(), TransitionError> {
        self.state = match self.state {
            OperationState::Paused => self.state.to(OperationState::Queued)?,
            from => return Err(TransitionError { from, to: OperationState::Queued }),
        };
        self.pause = None;
        self.errors_accepted = self.progress.failed;
        self.options.max_errors = max_errors.or(self.options.max_errors);
        Ok(())
    }

    /// Ends it where it is: what is done stays.
    ///
    /// # Errors
    /// When it has ended, or is still being received.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<(), TransitionError> {
        self.end(OperationState::Cancelled, now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::operation::tests::operation;
    use super::*;

    #[test]
    fn who_resumes_an_operation_accepts_what_failed_so_far() {
        let mut operation = operation();
        let now = operation.created_at;
        operation.options.max_errors = Some(ErrorBudget::Rows(10));
        (operation.progress.rows_total, operation.progress.failed) = (1000, 10);
        operation.progress.blocks_total = 2;
        assert!(!operation.is_over_budget());
        operation.progress.failed = 11;
        assert!(operation.is_over_budget());
        operation.pause(PauseReason::ErrorBudget, now).unwrap();
        assert_eq!(operation.pause, Some(Pause { reason: PauseReason::ErrorBudget, since: now }));
        operation.resume(None).unwrap();
        assert_eq!((operation.state, operation.pause), (OperationState::Queued, None));
        operation.progress.failed = 21;
        assert!(!operation.is_over_budget());
        operation.progress.failed = 22;
        assert!(operation.is_over_budget());
        operation.pause(PauseReason::ErrorBudget, now).unwrap();
        operation.resume(Some(ErrorBudget::Share(5000))).unwrap();
        operation.progress.failed = 522;
        assert!(!operation.is_over_budget());
        operation.progress.failed = 523;
        assert!(operation.is_over_budget());
        operation.progress.blocks_done = 2;
        assert!(!operation.is_over_budget(), "nothing is left to be stopped");
    }

    #[test]
    fn only_a_paused_operation_is_resumed() {
        let mut operation = operation();
        assert!(operation.resume(None).is_err());
        operation.pause(PauseReason::Asked, operation.created_at).unwrap();
        assert!(operation.pause(PauseReason::Asked, operation.created_at).is_err());
        operation.cancel(operation.created_at).unwrap();
        assert_eq!((operation.state, operation.pause), (OperationState::Cancelled, None));
        assert!(operation.resume(None).is_err());
    }
}
