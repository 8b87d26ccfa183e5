//! Use cases of Muster: one file each, as methods of [`App`].
//!
//! A use case takes a [`Context`] first, speaks to storage only within a unit of work or through a
//! reader, and to everything else only outside a transaction.

mod app;
mod busy;
mod changes;
mod context;
pub mod csv;
mod error;
mod error_code;
pub mod exports;
pub mod imports;
pub mod mails;
pub mod operations;
pub mod partners;
pub mod ports;
mod precondition;
pub mod reminders;
pub mod schedules;
pub mod tasks;
pub mod users;
pub mod webhooks;

pub use app::{App, Ports, Settings, TenantLimits};
pub use context::Context;
pub use error::{AppError, ErrorKind};
pub use error_code::ErrorCode;
