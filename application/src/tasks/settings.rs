use muster_domain::tasks::TaskSettings;

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
