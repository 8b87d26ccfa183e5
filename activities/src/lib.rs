//! The activities of Muster: payload → command → [`muster_application::App`] → payload.

mod control;
mod error;
mod heartbeat;
mod imports;
mod mails;

pub use control::ControlActivities;
pub use heartbeat::Draining;
pub use imports::ImportActivities;
pub use mails::MailActivities;
