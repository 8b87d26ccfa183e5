//! Reminders of tasks.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

/// Input of the workflow `SendReminders` and of its activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderBatch {
    /// Which batch. Who has mails in it is looked up.
    pub batch_id: Uuid,
}

/// Activities on reminders.
pub struct ReminderActivities;

#[activity_definitions]
impl ReminderActivities {
    /// Takes what is due out of tasks of all tenants, and starts a workflow for each batch.
    #[activity(name = "send_due_reminders")]
    pub fn send_due_reminders((): ()) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Sends the mails of a batch; fails, to be retried, while the mail server puts some off.
    #[activity(name = "send_reminders")]
    pub fn send_reminders(_: ReminderBatch) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Accounts for what could not be sent in all attempts.
    #[activity(name = "give_up_reminders")]
    pub fn give_up_reminders(_: ReminderBatch) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::reminder_activities::*;
}
