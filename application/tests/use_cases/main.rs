//! The use cases on in-memory doubles: quick, and cut at every step.

#[cfg(test)]
mod changes;
#[cfg(test)]
mod control;
#[cfg(test)]
mod create_keys;
#[cfg(test)]
mod create_user;
#[cfg(test)]
mod delete_user;
#[cfg(test)]
mod export;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod exports_kept;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod force_delete_user;
#[cfg(test)]
mod history;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod index_users;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod list_users;
#[cfg(test)]
mod mail_faults;
#[cfg(test)]
mod mails;
#[cfg(test)]
mod model;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod partner_events;
#[cfg(test)]
mod partner_vectors;
#[cfg(test)]
mod partners;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod reminder_faults;
#[cfg(test)]
mod reminders;
#[cfg(test)]
mod reminders_due;
#[cfg(test)]
mod removal;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod sweep;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod task_rows;
#[cfg(test)]
mod tasks;
#[cfg(test)]
mod update_user;
#[cfg(test)]
mod upload;
#[cfg(test)]
mod wait;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod webhook_relay;
#[cfg(test)]
mod webhook_signature;
#[cfg(test)]
mod webhooks;
#[cfg(test)]
mod welcome_faults;
#[cfg(test)]
mod welcome_relay;
#[cfg(test)]
mod welcomes;
#[cfg(test)]
mod world;
