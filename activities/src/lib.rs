//! The activities of Muster: payload → command → [`muster_application::App`] → payload.

mod control;
mod error;
mod heartbeat;
mod imports;
mod mails;
mod webhooks;

pub use control::ControlActivities;
pub use heartbeat::Draining;
pub use imports::ImportActivities;
pub use mails::MailActivities;
pub use webhooks::WebhookActivities;
