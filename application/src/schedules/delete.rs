use muster_domain::ScheduleId;

use super::list::no_such_schedule;
use crate::{App, AppError, Context};

impl App {
    /// Deletes a schedule; operations that it has begun go on.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` when storage is down.
    pub async fn delete_schedule(&self, ctx: &Context, id: ScheduleId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        if !uow.schedules().delete(id, self.ports.clock.now()).await? {
            return Err(no_such_schedule());
        }
        uow.commit().await?;
        self.tell_engine(ctx, id).await;
        Ok(())
    }
}
