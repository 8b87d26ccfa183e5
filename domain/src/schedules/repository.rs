use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{LastRun, Schedule, SyncedSchedule};
use crate::{RepositoryError, ScheduleId, TenantId};

/// Where a schedule stands in a list: the latest first, by `created_at` and then by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchedulePosition {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Identity, which decides among those of the same moment.
    pub id: ScheduleId,
}

/// Schedules within one unit of work, and so within one tenant.
///
/// The engine hears of them behind the writes. One that was deleted is kept until the engine has heard of that, and is not
/// found meanwhile.
#[async_trait]
pub trait ScheduleRepository: Send {
    /// Stores a new schedule, unless the tenant has `at_most` of them already: then `false`. Two who ask at once are
    /// counted one after the other.
    async fn insert(&mut self, schedule: &Schedule, at_most: u32) -> Result<bool, RepositoryError>;

    /// Schedules of the tenant, the latest first, those behind `after` if one is given, at most `limit`.
    async fn list(&mut self, after: Option<SchedulePosition>, limit: u32) -> Result<Vec<Schedule>, RepositoryError>;

    /// Reads a schedule.
    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError>;

    /// As `find`, and locks it until the unit of work ends.
    async fn lock(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError>;

    /// Stores the state of a locked schedule.
    async fn store(&mut self, schedule: &Schedule) -> Result<(), RepositoryError>;

    /// Deletes a schedule, with a revision of its own; `false` if there is none.
    async fn delete(&mut self, id: ScheduleId, now: DateTime<Utc>) -> Result<bool, RepositoryError>;

    /// Stores what came of a run, unless that of a later one is stored. Of a schedule that is not there, nothing.
    async fn record_run(&mut self, id: ScheduleId, run: LastRun) -> Result<(), RepositoryError>;

    /// What the engine has not heard of; none if it has heard of everything.
    async fn unsynced(&mut self, id: ScheduleId) -> Result<Option<SyncedSchedule>, RepositoryError>;

    /// Notes that the engine has heard of a revision, and forgets what was deleted, unless there is a later one.
    async fn synced(&mut self, id: ScheduleId, revision: u64) -> Result<(), RepositoryError>;
}

/// A schedule of which the engine has not heard: ids only, because this is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsyncedSchedule {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which one.
    pub schedule: ScheduleId,
}

/// Looks for schedules outside a unit of work.
#[async_trait]
pub trait ScheduleReader: Send + Sync {
    /// Schedules that were last changed before `changed_before` and of which the engine has not heard, those first that
    /// wait for longest; at most `limit`.
    async fn unsynced_schedules(
        &self,
        changed_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<UnsyncedSchedule>, RepositoryError>;
}
