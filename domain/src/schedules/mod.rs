//! Work that begins by itself, again and again.

mod age;
mod cadence;
mod repository;
mod run;
mod schedule;

pub use age::age;
pub use cadence::Cadence;
pub use repository::{SchedulePosition, ScheduleReader, ScheduleRepository, UnsyncedSchedule};
pub use run::{LastRun, RunOutcome, SkipReason};
pub use schedule::{MAX_SCHEDULES, NewSchedule, Schedule, ScheduleState, SyncedSchedule};
