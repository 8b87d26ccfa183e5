use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use muster_application::ports::Clock;

use super::lock;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct MemoryClock(Arc<Mutex<DateTime<Utc>>>);

impl MemoryClock {
    /// A clock that shows `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves it to `now`.
    pub fn set(&self, now: DateTime<Utc>) {
        *lock(&self.0) = now;
    }

    /// Moves it by `by`.
    pub fn advance(&self, by: TimeDelta) {
        let mut now = lock(&self.0);
        *now += by;
    }
}

impl Default for MemoryClock {
    /// A morning in September 2026.
    fn default() -> Self {
        Self::new(DateTime::from_timestamp_millis(1_790_000_000_123).unwrap_or_default())
    }
}

impl Clock for MemoryClock {
    fn now(&self) -> DateTime<Utc> {
        *lock(&self.0)
    }
}
