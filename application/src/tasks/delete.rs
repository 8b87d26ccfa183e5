use muster_domain::TaskId;

use super::{CHANGED, get};
use crate::precondition::{self, Versions};
use crate::{App, AppError, Context};

impl App {
    /// Deletes a living task softly: nobody finds it any more, nobody is reminded of it, and it can be restored.
    ///
    /// # Errors
    /// `NotFound`, also for one that is deleted already; `PreconditionFailed`.
    pub async fn delete_task(&self, ctx: &Context, id: TaskId, expected: Versions) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut stored = get::lock_living(uow.as_mut(), id).await?;
        precondition::check(stored.task.version, &expected, CHANGED)?;
        stored.delete(self.ports.clock.now());
        uow.tasks().store(&[stored]).await?;
        Ok(uow.commit().await?)
    }

    /// Removes a task for good, alive or deleted.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn force_delete_task(&self, ctx: &Context, id: TaskId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        if uow.tasks().remove(&[id]).await? == 0 {
            return Err(AppError::not_found("task"));
        }
        Ok(uow.commit().await?)
    }
}
