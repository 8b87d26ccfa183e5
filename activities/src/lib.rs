//! The activities of Muster: payload → command → [`muster_application::App`] → payload.

mod control;
mod error;
mod heartbeat;
mod mails;
mod operations;
mod partners;
mod reminders;
mod schedules;
mod span;
mod webhooks;

pub use control::ControlActivities;
pub use heartbeat::Draining;
pub use mails::MailActivities;
pub use operations::OperationActivities;
pub use partners::PartnerActivities;
pub use reminders::ReminderActivities;
pub use schedules::ScheduleActivities;
pub use webhooks::WebhookActivities;
