//! Welcome mails.

mod give_up;
mod group;
mod send_mails;
mod welcome;

pub use send_mails::SendMails;
