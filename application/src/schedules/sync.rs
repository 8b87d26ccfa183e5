use muster_domain::ScheduleId;
use muster_domain::schedules::ScheduleState;

use crate::operations::engine_down;
use crate::ports::PutSchedule;
use crate::{App, AppError, Context};

impl App {
    /// Tells the engine what is new of a schedule, or leaves it to the sweeper.
    pub(super) async fn tell_engine(&self, ctx: &Context, id: ScheduleId) {
        if let Err(error) = self.sync_schedule(ctx, id).await {
            tracing::warn!(
                tenant.id = %ctx.tenant,
                schedule.id = %id,
                error = &error as &dyn std::error::Error,
                "the workflow engine has not heard of a schedule; the sweeper will tell it"
            );
        }
    }

    /// Tells the engine what it has not heard of a schedule. Of two who do so at once with different revisions, the engine
    /// keeps the later one.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down.
    pub(super) async fn sync_schedule(&self, ctx: &Context, id: ScheduleId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let unsynced = uow.schedules().unsynced(id).await?;
        drop(uow);
        let Some(unsynced) = unsynced else { return Ok(()) };
        let (tenant, revision, workflows) = (ctx.tenant, unsynced.revision, &self.ports.workflows);
        let told = match unsynced.runs {
            Some((cadence, state)) => {
                let paused = state == ScheduleState::Paused;
                workflows.put_schedule(&PutSchedule { tenant, schedule: id, revision, cadence, paused }).await
            }
            None => workflows.remove_schedule(tenant, id).await,
        };
        told.map_err(engine_down)?;
        let mut uow = self.begin(ctx).await?;
        uow.schedules().synced(id, revision).await?;
        Ok(uow.commit().await?)
    }
}
