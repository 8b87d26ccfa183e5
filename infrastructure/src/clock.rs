use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use muster_application::ports::{Clock, IdSource};
use muster_domain::{EventId, OperationId, UserId, WelcomeBatchId};
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

impl TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids are made")]
    fn next() -> Uuid {
        Uuid::now_v7()
    }
}

impl IdSource for TimeOrderedIds {
    fn operation_id(&self) -> OperationId {
        OperationId::new(Self::next())
    }

    fn user_id(&self) -> UserId {
        UserId::new(Self::next())
    }

    fn event_id(&self) -> EventId {
        EventId::new(Self::next())
    }

    fn welcome_batch_id(&self) -> WelcomeBatchId {
        WelcomeBatchId::new(Self::next())
    }
}
