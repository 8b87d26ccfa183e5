//! Schedules: operations that begin by themselves, again and again.

mod create;
mod delete;
mod get;
mod list;
mod move_to;
mod run;
mod sweep;
mod sync;
mod trigger;

pub use list::SchedulesPage;
pub use run::RunScheduled;
