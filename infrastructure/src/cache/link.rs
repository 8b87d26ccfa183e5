use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, RedisError, RedisResult,
    Value,
};

use super::counters::Counters;
use super::local::Writes;
use super::message::{CHANNEL, hear};
use super::{LOCAL_TTL, TRUST};

/// How long Redis may take for one call. The database answers in a few milliseconds: who waits longer for the cache
/// has lost already.
const ANSWER: Duration = Duration::from_millis(150);
/// How long connecting may take; nobody waits for it.
const CONNECT: Duration = Duration::from_millis(500);

/// The one connection to Redis: for calls, and for hearing what other processes wrote. Both on one, so that an answer
/// proves that all that was published before has been heard.
///
/// It is also the breaker: the first call that fails takes the connection down for all, and only the pulse, twice a
/// second, looks whether there is a new one. In between nobody asks Redis.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    up: RwLock<Option<Up>>,
    connections: AtomicU64,
    interrupted: AtomicBool,
    said_garbage: AtomicBool,
    writes: Arc<Writes>,
    counters: Arc<Counters>,
}

/// A connection that works, as far as is known.
#[derive(Debug, Clone)]
pub(super) struct Up {
    pub(super) connection: MultiplexedConnection,
    number: u64,
    known: Option<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    epoch: i64,
    looked: Instant,
}

impl Up {
    /// The epoch, if it was looked at lately.
    pub(super) fn epoch(&self) -> Option<i64> {
        self.known.filter(|known| known.looked.elapsed() <= TRUST).map(|known| known.epoch)
    }
}

impl Link {
    pub(super) fn new(client: &Client, writes: Arc<Writes>, counters: Arc<Counters>) -> RedisResult<Self> {
        let info = client.get_connection_info().clone();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(Self {
            client: Client::open(info.set_redis_settings(settings).into_connection_info()?)?,
            up: RwLock::default(),
            connections: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
            said_garbage: AtomicBool::new(false),
            writes,
            counters,
        })
    }

    /// The connection, if there is one.
    pub(super) fn up(&self) -> Option<Up> {
        self.up.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether Redis answers, as far as is known.
    pub(super) fn is_up(&self) -> bool {
        self.up.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether a connection was lost since the last one that came up: what was asked over it may still happen, and
    /// what Redis knew may be gone.
    pub(super) fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// A new connection that hears what others write; nobody uses it before [`Link::learnt`].
    pub(super) async fn connect(&self) -> RedisResult<Up> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let writes = Arc::clone(&self.writes);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push: PushInfo| {
                take(&push, &writes);
                Ok::<(), redis::aio::SendError>(())
            });
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        connection.subscribe(CHANNEL).await?;
        Ok(Up { connection, number, known: None })
    }

    /// The epoch was this at some time after `looked`.
    pub(super) fn learnt(&self, up: &Up, epoch: i64, looked: Instant) {
        let mut now = self.up.write().unwrap_or_else(PoisonError::into_inner);
        let before = now.as_ref().filter(|before| before.number == up.number).and_then(|before| before.known);
        if before.is_none_or(|before| before.epoch != epoch) {
            self.writes.forget_all();
        }
        if now.is_none() && self.connections.load(Ordering::Relaxed) > 1 {
            tracing::info!("Redis is there; the cache is shared");
        }
        *now = Some(Up { known: Some(Known { epoch, looked }), ..up.clone() });
        drop(now);
        self.interrupted.store(false, Ordering::Release);
        self.said_garbage.store(false, Ordering::Relaxed);
    }

    /// The epoch cannot be learnt: what lies in Redis may be of any.
    pub(super) fn doubted(&self) {
        let mut up = self.up.write().unwrap_or_else(PoisonError::into_inner);
        if up.as_mut().and_then(|up| up.known.take()).is_some() {
            self.writes.forget_all();
        }
    }

    /// A call failed: nobody uses this connection any more.
    pub(super) fn lost(&self, lost: &Up, error: &RedisError) {
        self.counters.error();
        let mut up = self.up.write().unwrap_or_else(PoisonError::into_inner);
        if up.as_ref().is_some_and(|up| up.number == lost.number) {
            *up = None;
            drop(up);
            self.interrupted.store(true, Ordering::Release);
            // What was written in the meantime is not heard.
            self.writes.forget_all();
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "Redis does not answer; for now each process caches for itself, for {} s",
                LOCAL_TTL.as_secs()
            );
        }
    }

    /// Redis was not told of a write: until another epoch has begun, what lies there is not believed.
    pub(super) fn untold(&self) {
        let was_up = self.up.write().unwrap_or_else(PoisonError::into_inner).take().is_some();
        if was_up {
            self.interrupted.store(true, Ordering::Release);
            self.writes.forget_all();
        }
    }

    /// Something under a key that none of us wrote.
    pub(super) fn garbage(&self, name: &str) {
        self.counters.error();
        if !self.said_garbage.swap(true, Ordering::Relaxed) {
            tracing::warn!(cache.key = name, "Redis holds what is not ours; it is overwritten, as all that follow");
        }
    }
}

fn take(push: &PushInfo, writes: &Writes) {
    match push.kind {
        PushKind::Message => match push.data.last() {
            Some(Value::BulkString(message)) => hear(message, writes),
            _ => writes.forget_all(),
        },
        PushKind::Disconnection => writes.forget_all(),
        _ => {}
    }
}
