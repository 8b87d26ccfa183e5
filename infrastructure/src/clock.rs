use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use muster_application::ports::{Clock, IdSource};
use muster_domain::{OperationId, UserId};
use uuid::Uuid;

/// The machine's clock, to the microsecond: as much as Postgres keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time is read")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}

/// Ids of version 7.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

impl IdSource for TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids are made")]
    fn operation_id(&self) -> OperationId {
        OperationId::new(Uuid::now_v7())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the other place where ids are made")]
    fn user_id(&self) -> UserId {
        UserId::new(Uuid::now_v7())
    }
}
