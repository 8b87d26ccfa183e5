use muster_domain::schedules::{Schedule, SchedulePosition};

use crate::{App, AppError, Context};

/// A page of schedules.
#[derive(Debug, Clone)]
pub struct SchedulesPage {
    /// The latest first.
    pub items: Vec<Schedule>,
    /// Where the next page begins: behind this position.
    pub next_after: Option<SchedulePosition>,
}

impl App {
    /// The tenant's schedules behind `after`, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn schedules(
        &self,
        ctx: &Context,
        after: Option<SchedulePosition>,
        limit: u32,
    ) -> Result<SchedulesPage, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut items = uow.schedules().list(after, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_after = last.map(|last| SchedulePosition { created_at: last.created_at, id: last.id });
        Ok(SchedulesPage { items, next_after })
    }
}

/// Not there, or of another tenant.
pub(super) fn no_such_schedule() -> AppError {
    AppError::not_found("schedule")
}
