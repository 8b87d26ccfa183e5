//! Mails about tasks: when they remind, are due and overdue.

mod mail;
mod send;
mod send_due;

pub use send_due::DueReminders;
