use muster_domain::tasks::{TaskChanges, TaskSettings};

use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

impl App {
    /// How the tenant wants its tasks treated.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn task_settings(&self, ctx: &Context) -> Result<TaskSettings, AppError> {
        Ok(self.begin(ctx).await?.tasks().settings().await?)
    }

    /// Stores how the tenant wants its tasks treated, from now on.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn store_task_settings(&self, ctx: &Context, settings: TaskSettings) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        uow.tasks().store_settings(&settings, self.ports.clock.now()).await?;
        Ok(uow.commit().await?)
    }
}

/// The settings, whose clock a series that begins keeps; nothing else of a task asks for them, so that most need no look.
pub(super) async fn for_series(uow: &mut dyn UnitOfWork, said: &TaskChanges) -> Result<TaskSettings, AppError> {
    if matches!(said.recurrence, Some(Some(_))) {
        Ok(uow.tasks().settings().await?)
    } else {
        Ok(TaskSettings::default())
    }
}
