use muster_domain::schedules::{MAX_SCHEDULES, NewSchedule, Schedule};

use crate::operations::refused;
use crate::{App, AppError, Context};

impl App {
    /// Makes a schedule: from here on it is durable. Then tells the engine; should that fail, the sweeper does.
    ///
    /// # Errors
    /// `Conflict` when the tenant has as many as it may; `Unavailable` when storage is down.
    pub async fn create_schedule(&self, ctx: &Context, asked: NewSchedule) -> Result<Schedule, AppError> {
        let schedule = Schedule::new(self.ports.ids.schedule_id(), asked, self.ports.clock.now());
        let mut uow = self.begin(ctx).await?;
        if !uow.schedules().insert(&schedule, MAX_SCHEDULES).await? {
            let message = format!("a tenant has at most {MAX_SCHEDULES} schedules; delete one first");
            return Err(refused(message));
        }
        uow.commit().await?;
        self.tell_engine(ctx, schedule.id).await;
        Ok(schedule)
    }
}
