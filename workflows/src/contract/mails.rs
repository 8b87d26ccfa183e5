//! Welcome mails.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

use super::operations::BlockRange;

/// Input of the workflow `SendWelcomeMails`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendWelcomeMailsInput {
    /// Whose operation it is.
    pub tenant_id: Uuid,
    /// Which one.
    pub operation_id: Uuid,
    /// How many blocks it has.
    pub blocks: u32,
}

/// Input of the workflow `SendWelcomeBatch` and of its activities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WelcomeBatch {
    /// Whose users they are.
    pub tenant_id: Uuid,
    /// Which batch.
    pub batch_id: Uuid,
}

/// Activities on mail.
pub struct MailActivities;

#[activity_definitions]
impl MailActivities {
    /// Sends the mails of a range of blocks; fails, to be retried, while the mail server puts some off.
    #[activity(name = "send_mails")]
    pub fn send_mails(_: BlockRange) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Counts what could not be sent in all attempts.
    #[activity(name = "give_up_mails")]
    pub fn give_up_mails(_: BlockRange) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Sends the mails of a batch; fails, to be retried, while the mail server puts some off.
    #[activity(name = "send_welcome_batch")]
    pub fn send_welcome_batch(_: WelcomeBatch) -> Result<(), ActivityError> {
        unimplemented!()
    }

    /// Accounts for what could not be sent in all attempts.
    #[activity(name = "give_up_welcome_batch")]
    pub fn give_up_welcome_batch(_: WelcomeBatch) -> Result<(), ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::mail_activities::*;
}
