//! Welcome mails.

mod give_up;
mod group;
mod relay;
mod send_mails;
mod send_welcomes;
mod welcome;

pub use relay::Relayed;
pub use send_mails::SendMails;
