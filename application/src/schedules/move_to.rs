use muster_domain::ScheduleId;
use muster_domain::schedules::{Schedule, ScheduleState};

use super::list::no_such_schedule;
use crate::{App, AppError, Context};

impl App {
    /// Pauses a schedule, or lets it run again; nothing changes if it is there already.
    ///
    /// # Errors
    /// `NotFound`; `Unavailable` when storage is down.
    pub async fn move_schedule(
        &self,
        ctx: &Context,
        id: ScheduleId,
        state: ScheduleState,
    ) -> Result<Schedule, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut schedule = uow.schedules().lock(id).await?.ok_or_else(no_such_schedule)?;
        if schedule.set_state(state, self.ports.clock.now()) {
            uow.schedules().store(&schedule).await?;
            uow.commit().await?;
            self.tell_engine(ctx, id).await;
        }
        Ok(schedule)
    }
}
