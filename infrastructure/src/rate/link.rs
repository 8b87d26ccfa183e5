use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use muster_application::ports::Budget;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::time::{MissedTickBehavior, interval};

use super::gcra::Rule;
use super::shared;
use crate::redis::Redis;

/// How long Redis may take to count one request. It answers within a millisecond: who waits longer is counted here.
const ANSWER: Duration = Duration::from_millis(100);
/// How long connecting may take; nobody waits for it.
const CONNECT: Duration = Duration::from_millis(500);
/// Pause between looks for a Redis that is away.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// What is counted to find out whether counting works: nobody's budget.
const TRIAL: &str = "muster:rate:v1:trial";

/// The connection to Redis, and the breaker: the first call that fails takes it down for all, and only a look twice a
/// second brings up another one. In between nobody asks Redis, so a dead one delays the requests of one moment only.
pub(super) struct Link {
    client: Client,
    up: RwLock<Option<Up>>,
    connections: AtomicU64,
    said_lost: AtomicBool,
}

/// A connection that works, as far as is known.
#[derive(Clone)]
pub(super) struct Up {
    pub(super) connection: MultiplexedConnection,
    number: u64,
}

impl Link {
    pub(super) fn new(redis: &Redis) -> Self {
        let (connections, said_lost) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { client: redis.client().clone(), up: RwLock::default(), connections, said_lost }
    }

    /// The connection, if there is one.
    pub(super) fn up(&self) -> Option<Up> {
        self.up.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A call failed: nobody uses this connection any more.
    pub(super) fn lost(&self, lost: &Up, error: &RedisError) {
        let mut up = self.up.write().unwrap_or_else(PoisonError::into_inner);
        if up.as_ref().is_none_or(|up| up.number != lost.number) {
            return;
        }
        *up = None;
        drop(up);
        self.said_lost.store(true, Ordering::Relaxed);
        tracing::warn!(
            error = error as &dyn std::error::Error,
            "Redis does not count requests; for now each process does for itself"
        );
    }

    /// Looks for Redis whenever it is away. Never ends.
    pub(super) async fn keep(&self) {
        let mut ticks = interval(LOOK_AGAIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.up().is_some() {
                continue;
            }
            match self.connect().await {
                Ok(found) => {
                    *self.up.write().unwrap_or_else(PoisonError::into_inner) = Some(found);
                    if self.said_lost.swap(false, Ordering::Relaxed) {
                        tracing::info!("Redis counts requests again");
                    }
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "Redis cannot count requests yet");
                }
            }
        }
    }

    /// A connection over which counting works: a Redis that answers but takes no writes is of no use.
    async fn connect(&self) -> RedisResult<Up> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(ANSWER));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let trial = Rule::of(Budget { name: "trial", per_minute: NonZeroU32::MAX });
        shared::count(&mut connection, TRIAL, trial).await?;
        Ok(Up { connection, number })
    }
}
