//! The wire contract of Muster's durable work, and the workflows.
//!
//! This crate knows nothing of the domain: a rule may change every week, workflow code only in ways that replay
//! old histories. Payloads carry ids and ranges, never a name or an address: histories are kept and shown.
//! Everything with a wire name has it written out, so that renaming a Rust type strands nothing.

pub mod contract;
mod control;
mod lanes;
mod mails;
pub mod names;
mod operations;
mod partners;
pub mod policy;
mod reminders;
mod schedules;
mod webhooks;

pub use control::{Ping, Sweep};
pub use mails::{SendWelcomeBatch, SendWelcomeMails};
pub use operations::RunOperation;
pub use partners::ProcessPartnerEvent;
pub use reminders::{SendDueReminders, SendReminders};
pub use schedules::RunSchedule;
pub use webhooks::DeliverWebhook;
