use chrono::TimeDelta;
use muster_domain::schedules::UnsyncedSchedule;

use crate::{App, AppError, Context};

/// Whoever changes a schedule tells the engine; the sweeper is in no hurry to do so as well.
const PATIENCE: TimeDelta = TimeDelta::seconds(10);
/// Most schedules in one sweep; the next one goes on.
const LIMIT: u32 = 100;

impl App {
    /// Tells the engine of schedules that it has not heard of; returns of how many.
    pub(crate) async fn sync_schedules(&self) -> Result<u32, AppError> {
        let before = self.ports.clock.now() - PATIENCE;
        let (mut synced, mut first_error) = (0, None);
        for UnsyncedSchedule { tenant, schedule } in self.ports.schedules.unsynced_schedules(before, LIMIT).await? {
            match self.sync_schedule(&Context::new(tenant), schedule).await {
                Ok(()) => synced += 1,
                // One that cannot be helped must not keep help from the others.
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        first_error.map_or(Ok(synced), Err)
    }
}
