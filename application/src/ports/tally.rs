use std::time::Duration;

use muster_domain::operations::{BlockOutcome, OperationKind, OperationState};
use muster_domain::webhooks::Answer;

use super::Delivery;
use crate::operations::Swept;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// A user was made.
    Welcome,
    /// A task is due, or will be.
    Reminder,
}

impl MailKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Welcome, Self::Reminder];

    /// For operators.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Reminder => "reminder",
        }
    }
}

/// Counts what happens, for operators. It is told after the commit, or after the answer from outside, by the call that
/// brought it about: a repeat that finds it done tells nothing, and a process that dies in between has not told. It must not
/// wait, and cannot fail. Unless it says otherwise nothing is counted.
pub trait Tally: Send + Sync {
    /// An operation was stored and its workflow asked for.
    fn accepted(&self, _kind: OperationKind) {}

    /// A block has its line in the ledger now. What a plan would do is not among `rows`.
    fn block_done(&self, _kind: OperationKind, _rows: BlockOutcome, _took: Duration) {}

    /// An operation has reached a final state.
    fn ended(&self, _kind: OperationKind, _state: OperationState) {}

    /// The mail server has answered, or has not. A mail that is tried again is told again.
    fn mailed(&self, _kind: MailKind, _delivery: Delivery) {}

    /// An endpoint has answered one attempt, or has not.
    fn webhook_tried(&self, _answer: Answer) {}

    /// A sweep has ended; whether it saw to everything that it found.
    fn swept(&self, _swept: &Swept, _complete: bool) {}
}

/// Counts nothing.
impl Tally for () {}
