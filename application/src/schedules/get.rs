use muster_domain::ScheduleId;
use muster_domain::schedules::Schedule;

use super::list::no_such_schedule;
use crate::{App, AppError, Context};

impl App {
    /// A schedule of the tenant.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn schedule(&self, ctx: &Context, id: ScheduleId) -> Result<Schedule, AppError> {
        let mut uow = self.begin(ctx).await?;
        uow.schedules().find(id).await?.ok_or_else(no_such_schedule)
    }
}
