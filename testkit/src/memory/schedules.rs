use std::cmp::Reverse;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::schedules::{
    LastRun, Schedule, SchedulePosition, ScheduleReader, ScheduleRepository, SyncedSchedule, UnsyncedSchedule,
};
use muster_domain::{RepositoryError, ScheduleId};

use super::unit::defect;
use super::{MemoryStore, MemoryUnit, StoredSchedule, TenantState};

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl TenantState {
    fn living_schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.schedules.values().filter(|stored| !stored.is_deleted).map(|stored| &stored.schedule)
    }

    fn living_schedule(&mut self, id: ScheduleId) -> Option<&mut StoredSchedule> {
        self.schedules.get_mut(&id).filter(|stored| !stored.is_deleted)
    }
}

#[async_trait]
impl ScheduleRepository for MemoryUnit {
    async fn insert(&mut self, schedule: &Schedule, at_most: u32) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let fits = draft.living_schedules().count() < size(at_most);
            if fits {
                let stored = StoredSchedule { schedule: schedule.clone(), synced: 0, is_deleted: false };
                draft.schedules.insert(schedule.id, stored);
            }
            Ok(fits)
        })
    }

    async fn list(&mut self, after: Option<SchedulePosition>, limit: u32) -> Result<Vec<Schedule>, RepositoryError> {
        self.statement(|draft| {
            let is_behind = |schedule: &&Schedule| {
                after.is_none_or(|after| (schedule.created_at, schedule.id) < (after.created_at, after.id))
            };
            let mut found: Vec<_> = draft.living_schedules().filter(is_behind).cloned().collect();
            found.sort_by_key(|schedule| Reverse((schedule.created_at, schedule.id)));
            found.truncate(size(limit));
            Ok(found)
        })
    }

    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError> {
        self.statement(|draft| Ok(draft.living_schedule(id).map(|stored| stored.schedule.clone())))
    }

    async fn lock(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError> {
        self.find(id).await
    }

    async fn store(&mut self, schedule: &Schedule) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.living_schedule(schedule.id);
            stored.ok_or_else(|| defect("a schedule that does not exist"))?.schedule = schedule.clone();
            Ok(())
        })
    }

    async fn delete(&mut self, id: ScheduleId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let Some(stored) = draft.living_schedule(id) else { return Ok(false) };
            stored.is_deleted = true;
            stored.schedule.revision += 1;
            stored.schedule.updated_at = now;
            Ok(true)
        })
    }

    async fn record_run(&mut self, id: ScheduleId, run: LastRun) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.living_schedule(id);
            if let Some(stored) = stored.filter(|stored| stored.schedule.last_run.is_none_or(|last| last.at <= run.at))
            {
                stored.schedule.last_run = Some(run);
            }
            Ok(())
        })
    }

    async fn unsynced(&mut self, id: ScheduleId) -> Result<Option<SyncedSchedule>, RepositoryError> {
        self.statement(|draft| {
            let stored = draft.schedules.get(&id).filter(|stored| stored.synced < stored.schedule.revision);
            Ok(stored.map(|StoredSchedule { schedule, is_deleted, .. }| SyncedSchedule {
                revision: schedule.revision,
                runs: (!is_deleted).then(|| (schedule.asked.cadence.clone(), schedule.state)),
            }))
        })
    }

    async fn synced(&mut self, id: ScheduleId, revision: u64) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let Some(stored) = draft.schedules.get_mut(&id) else { return Ok(()) };
            if !stored.is_deleted {
                stored.synced = stored.synced.max(revision);
            } else if stored.schedule.revision == revision {
                draft.schedules.remove(&id);
            }
            Ok(())
        })
    }
}

#[async_trait]
impl ScheduleReader for MemoryStore {
    async fn unsynced_schedules(
        &self,
        changed_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<UnsyncedSchedule>, RepositoryError> {
        self.fault().call()?;
        let mut unsynced = Vec::new();
        for (tenant, state) in self.tenants() {
            let waits = |stored: &&StoredSchedule| {
                stored.synced < stored.schedule.revision && stored.schedule.updated_at < changed_before
            };
            unsynced.extend(
                state.schedules.values().filter(waits).map(|stored| {
                    (stored.schedule.updated_at, UnsyncedSchedule { tenant, schedule: stored.schedule.id })
                }),
            );
        }
        unsynced.sort_by_key(|(changed_at, _)| *changed_at);
        unsynced.truncate(size(limit));
        Ok(unsynced.into_iter().map(|(_, unsynced)| unsynced).collect())
    }
}
