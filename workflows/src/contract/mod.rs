//! Payloads and activities as they stand on the wire: additive changes only.

pub mod control;
pub mod mails;
pub mod operations;
pub mod partners;
pub mod reminders;
pub mod schedules;
pub mod webhooks;
