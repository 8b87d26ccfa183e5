use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_application::ports::{Budget, Caller, Clock, RateLimiter, Verdict};

use super::{MemoryClock, lock};

/// When the whole budget of a caller, by its name, is there again.
type WholeAt = HashMap<(Caller, &'static str), DateTime<Utc>>;

/// Counts requests by a clock that a test moves. Clones count together.
#[derive(Debug, Clone)]
pub struct MemoryLimiter {
    clock: MemoryClock,
    whole_at: Arc<Mutex<WholeAt>>,
}

impl MemoryLimiter {
    /// A limiter that has counted nothing.
    pub fn new(clock: MemoryClock) -> Self {
        Self { clock, whole_at: Arc::default() }
    }
}

#[async_trait]
impl RateLimiter for MemoryLimiter {
    async fn count(&self, caller: &Caller, budget: Budget) -> Verdict {
        let (now, minute) = (self.clock.now(), Duration::from_mins(1));
        let share = minute / budget.per_minute.get();
        let address = caller.address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address @ IpAddr::V4(_) => address,
        });
        let mut all = lock(&self.whole_at);
        let whole_at = all.entry((Caller { address, ..*caller }, budget.name)).or_insert(now);
        let taken = (*whole_at - now).to_std().unwrap_or_default();
        let admitted = taken + share <= minute;
        let after = if admitted { taken + share } else { taken };
        *whole_at = now + after;
        Verdict {
            refused_for: (!admitted).then(|| (taken + share).saturating_sub(minute)),
            remaining: u32::try_from(minute.saturating_sub(after).as_nanos() / share.as_nanos()).unwrap_or(u32::MAX),
            whole_after: after,
        }
    }
}
