use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{StoredTask, Task, TaskFilter, TaskPosition, TaskSettings, TaskSort};
use crate::{RepositoryError, TaskId, TenantId, UserId};

/// Tasks within one unit of work, and so within one tenant.
#[async_trait]
pub trait TaskRepository: Send {
    /// Inserts tasks with one statement. A task whose series has one of its number already is left out: that one was made
    /// when the one before was completed for the first time.
    async fn insert(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError>;

    /// Reads these tasks, alive or deleted, by id ascending, and locks them until the unit of work ends; those that are not
    /// there are left out.
    async fn lock(&mut self, ids: &[TaskId]) -> Result<Vec<StoredTask>, RepositoryError>;

    /// Stores locked tasks with one statement.
    async fn store(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError>;

    /// Removes tasks for good, alive or deleted; returns how many there were.
    async fn remove(&mut self, ids: &[TaskId]) -> Result<u64, RepositoryError>;

    /// Those of these users who are alive, in no order. None of them is deleted before the unit of work ends.
    async fn living(&mut self, users: &[UserId]) -> Result<Vec<UserId>, RepositoryError>;

    /// Reads and locks the next open tasks of users who were deleted, by id ascending, at most `limit`.
    async fn lock_open_of(&mut self, users: &[UserId], limit: u32) -> Result<Vec<StoredTask>, RepositoryError>;

    /// How the tenant wants its tasks treated; what it has never said is as by default.
    async fn settings(&mut self) -> Result<TaskSettings, RepositoryError>;

    /// Stores how the tenant wants its tasks treated.
    async fn store_settings(&mut self, settings: &TaskSettings, now: DateTime<Utc>) -> Result<(), RepositoryError>;
}

/// Reads tasks outside a unit of work.
#[async_trait]
pub trait TaskReader: Send + Sync {
    /// The living task with this id in this tenant, or none.
    async fn find(&self, tenant: TenantId, id: TaskId) -> Result<Option<Task>, RepositoryError>;

    /// Those of these tasks that are alive, by id ascending.
    async fn find_all(&self, tenant: TenantId, ids: &[TaskId]) -> Result<Vec<Task>, RepositoryError>;

    /// Tasks that the filter means, in the order of `sort`, behind a position of the same order; at most `limit`.
    async fn page(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        sort: TaskSort,
        after: Option<TaskPosition>,
        limit: u32,
    ) -> Result<Vec<Task>, RepositoryError>;
}
