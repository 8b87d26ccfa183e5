use std::slice;

use muster_domain::TaskId;
use muster_domain::tasks::{IllegalMove, Task, TaskMove};

use super::release::drop_lost_assignees;
use super::{CHANGED, get};
use crate::precondition::{self, Versions};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Moves a living task to another status. Completing one of a series makes the next one, in the same commit.
    ///
    /// # Errors
    /// `Conflict` when its status does not allow that; `NotFound`; `PreconditionFailed`.
    pub async fn move_task(
        &self,
        ctx: &Context,
        id: TaskId,
        by: TaskMove,
        expected: Versions,
    ) -> Result<Task, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut stored = get::lock_living(uow.as_mut(), id).await?;
        precondition::check(stored.task.version, &expected, CHANGED)?;
        let next = stored.go(by, self.ports.ids.task_id(), self.ports.clock.now()).map_err(illegal)?;
        if by == TaskMove::Reopen {
            // Who was deleted meanwhile kept what was over, and is given nothing to do.
            drop_lost_assignees(uow.as_mut(), slice::from_mut(&mut stored)).await?;
        }
        uow.tasks().store(slice::from_ref(&stored)).await?;
        if let Some(next) = next {
            uow.tasks().insert(&[next]).await?;
        }
        uow.commit().await?;
        Ok(stored.task)
    }
}

fn illegal(error: IllegalMove) -> AppError {
    AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, error.to_string())
}
