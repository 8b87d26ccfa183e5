use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::tasks::{
    StoredTask, Task, TaskFilter, TaskPosition, TaskReader, TaskRepository, TaskSettings, TaskSort, TaskSortValue,
};
use muster_domain::{RepositoryError, TaskId, TenantId, UserId};

use super::unit::defect;
use super::{MemoryStore, MemoryUnit};

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Where a position stands: without a date after all that have one.
fn place(position: TaskPosition) -> (bool, TaskSortValue, TaskId) {
    (position.value == TaskSortValue::At(None), position.value, position.id)
}

fn is_meant(stored: &StoredTask, filter: &TaskFilter) -> bool {
    let task = &stored.task;
    let has = |text: &str, part: &str| text.to_lowercase().contains(&part.to_lowercase());
    stored.deleted_at.is_some() == filter.deleted
        && (filter.statuses.is_empty() || filter.statuses.contains(&task.status))
        && filter.assignee.is_none_or(|assignee| assignee == task.assignee)
        && (filter.priorities.is_empty() || filter.priorities.contains(&task.priority))
        && filter.tag.as_ref().is_none_or(|tag| task.tags.as_slice().contains(tag))
        && filter.due_after.is_none_or(|after| task.due_at.is_some_and(|due| due >= after))
        && filter.due_before.is_none_or(|before| task.due_at.is_some_and(|due| due <= before))
        && filter.text.as_ref().is_none_or(|part| {
            has(task.title.as_str(), part) || task.description.as_ref().is_some_and(|text| has(text.as_str(), part))
        })
}

#[async_trait]
impl TaskRepository for MemoryUnit {
    async fn insert(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for stored in tasks {
                let place = |task: &Task| task.recurrence.as_ref().map(|series| (series.series, series.number));
                let is_there = |known: &StoredTask| place(&known.task) == place(&stored.task);
                if place(&stored.task).is_some() && draft.tasks.values().any(is_there) {
                    continue;
                }
                if draft.tasks.insert(stored.task.id, stored.clone()).is_some() {
                    return Err(defect("a task of this id is there already"));
                }
            }
            Ok(())
        })
    }

    async fn lock(&mut self, ids: &[TaskId]) -> Result<Vec<StoredTask>, RepositoryError> {
        self.statement(|draft| {
            Ok(draft.tasks.values().filter(|stored| ids.contains(&stored.task.id)).cloned().collect())
        })
    }

    async fn store(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for stored in tasks {
                let place = draft.tasks.get_mut(&stored.task.id).ok_or_else(|| defect("a task that does not exist"))?;
                *place = stored.clone();
            }
            Ok(())
        })
    }

    async fn remove(&mut self, ids: &[TaskId]) -> Result<u64, RepositoryError> {
        self.statement(|draft| {
            draft.reminders.retain(|_, stored| stored.refused.is_none() || !ids.contains(&stored.mail.task));
            Ok(ids.iter().filter_map(|id| draft.tasks.remove(id)).map(|_| 1).sum())
        })
    }

    async fn living(&mut self, users: &[UserId]) -> Result<Vec<UserId>, RepositoryError> {
        self.statement(|draft| Ok(users.iter().filter(|id| draft.users.contains_key(id)).copied().collect()))
    }

    async fn lock_open_of(&mut self, users: &[UserId], limit: u32) -> Result<Vec<StoredTask>, RepositoryError> {
        self.statement(|draft| {
            let is_theirs = |stored: &&StoredTask| {
                stored.is_open() && stored.task.assignee.is_some_and(|assignee| users.contains(&assignee))
            };
            Ok(draft.tasks.values().filter(is_theirs).take(size(limit)).cloned().collect())
        })
    }

    async fn settings(&mut self) -> Result<TaskSettings, RepositoryError> {
        self.statement(|draft| Ok(draft.task_settings.unwrap_or_default()))
    }

    async fn store_settings(&mut self, settings: &TaskSettings, _now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.task_settings = Some(*settings);
            draft.quiet_until = None;
            Ok(())
        })
    }
}

#[async_trait]
impl TaskReader for MemoryStore {
    async fn find(&self, tenant: TenantId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        self.fault().call()?;
        let found = self.tenant(tenant).tasks.get(&id).filter(|stored| stored.deleted_at.is_none()).cloned();
        Ok(found.map(|stored| stored.task))
    }

    async fn find_all(&self, tenant: TenantId, ids: &[TaskId]) -> Result<Vec<Task>, RepositoryError> {
        self.fault().call()?;
        let living = |stored: &StoredTask| stored.deleted_at.is_none() && ids.contains(&stored.task.id);
        Ok(self.tenant(tenant).tasks.into_values().filter(living).map(|stored| stored.task).collect())
    }

    async fn page(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        sort: TaskSort,
        after: Option<TaskPosition>,
        limit: u32,
    ) -> Result<Vec<Task>, RepositoryError> {
        self.fault().call()?;
        let state = self.tenant(tenant);
        let meant = state.tasks.values().filter(|stored| is_meant(stored, filter)).map(|stored| stored.task.clone());
        let at = |task: &Task| place(sort.position(task));
        let mut found: Vec<Task> = meant.collect();
        found.sort_by_key(at);
        if sort.descending {
            found.reverse();
        }
        let is_behind = |task: &Task| {
            after.map(place).is_none_or(|after| if sort.descending { at(task) < after } else { at(task) > after })
        };
        Ok(found.into_iter().filter(is_behind).take(size(limit)).collect())
    }
}
