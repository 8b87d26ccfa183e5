//! Welcome mails.

mod give_up;
mod group;
mod relay;
mod send_mails;
mod send_welcomes;
mod welcome;

pub(crate) use group::GROUP;
pub use relay::Relayed;
pub(crate) use relay::engine_down;
pub use send_mails::SendMails;
