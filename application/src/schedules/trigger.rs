use chrono::SubsecRound;
use muster_domain::ScheduleId;
use muster_domain::schedules::Schedule;

use crate::ports::StartScheduleRun;
use crate::{App, AppError, Context};

impl App {
    /// Starts a run now, whether the schedule is paused or not. Runs are told apart by the second, as the engine does: of
    /// several that are asked for within one, and of a request that is repeated at once, there is one.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` when storage or the engine is down.
    pub async fn trigger_schedule(&self, ctx: &Context, id: ScheduleId) -> Result<Schedule, AppError> {
        let schedule = self.schedule(ctx, id).await?;
        let start = StartScheduleRun { tenant: ctx.tenant, schedule: id, at: self.ports.clock.now().trunc_subsecs(0) };
        self.ports.workflows.start_schedule_run(&start).await.map_err(|error| {
            AppError::unavailable(
                "the workflow engine is not available, so nothing was triggered; try again later",
                error,
            )
        })?;
        Ok(schedule)
    }
}
