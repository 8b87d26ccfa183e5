use muster_domain::TaskId;
use muster_domain::tasks::{StoredTask, Task};

use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

impl App {
    /// A living task.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's.
    pub async fn task(&self, ctx: &Context, id: TaskId) -> Result<Task, AppError> {
        let found = self.ports.tasks.find(ctx.tenant, id).await?;
        found.ok_or_else(|| AppError::not_found("task"))
    }

    /// Those of these tasks that are alive, by id ascending.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn tasks_by_id(&self, ctx: &Context, ids: &[TaskId]) -> Result<Vec<Task>, AppError> {
        Ok(self.ports.tasks.find_all(ctx.tenant, ids).await?)
    }
}

/// A task, alive or deleted, locked.
pub(super) async fn lock(uow: &mut dyn UnitOfWork, id: TaskId) -> Result<StoredTask, AppError> {
    uow.tasks().lock(&[id]).await?.pop().ok_or_else(|| AppError::not_found("task"))
}

/// A living task, locked.
pub(super) async fn lock_living(uow: &mut dyn UnitOfWork, id: TaskId) -> Result<StoredTask, AppError> {
    let found = lock(uow, id).await?;
    if found.deleted_at.is_some() { Err(AppError::not_found("task")) } else { Ok(found) }
}
