use std::slice;

use muster_domain::TaskId;
use muster_domain::tasks::Task;

use super::get;
use super::release::drop_lost_assignees;
use crate::{App, AppError, Context};

impl App {
    /// Brings a deleted task back; without its assignee, if they were deleted meanwhile.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for one that is not deleted.
    pub async fn restore_task(&self, ctx: &Context, id: TaskId) -> Result<Task, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut stored = get::lock(uow.as_mut(), id).await?;
        if stored.deleted_at.is_none() {
            return Err(AppError::invalid("the task is not deleted"));
        }
        stored.restore(self.ports.clock.now());
        drop_lost_assignees(uow.as_mut(), slice::from_mut(&mut stored)).await?;
        uow.tasks().store(slice::from_ref(&stored)).await?;
        uow.commit().await?;
        Ok(stored.task)
    }
}
