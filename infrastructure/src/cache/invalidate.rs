use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use redis::RedisError;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::counters::Counters;
use super::epochs::Epochs;
use super::key::Key;
use super::link::Link;
use super::local::Writes;
use super::message;
use super::shared::Shared;
use super::touched::{Invalidate, Touched};
use super::value::tombstone;
use super::writers;
use super::{PULSE, TICK};
use crate::redis::Redis;

/// Above so many keys of one commit, beginning another epoch is less work than telling them.
const MOST_KEYS: usize = 1000;
/// Pause after another epoch was begun, or could not be: writes of this time share the next one.
const EPOCH_PAUSE: Duration = Duration::from_millis(20);

/// How the cache is set up.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// What processes share; without it each caches for itself.
    pub redis: Option<Redis>,
    /// How long something is kept in Redis.
    pub ttl: Duration,
}

/// What the caches of all entities in a process have in common: it hears of writes, and tells of them. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    inner: Arc<Inner>,
}

struct Inner {
    writes: Arc<Writes>,
    counters: Arc<Counters>,
    shared: Option<Shared>,
    epochs: Arc<dyn Epochs>,
    /// Redis was not told of a write: another epoch has to begin.
    untold: Notify,
    left: AtomicBool,
    /// Tells this process from all others.
    writer: u64,
    tombstones: AtomicU64,
}

impl Cache {
    /// Whether Redis answers, as far as is known; none where there is none to ask.
    pub fn shared_is_up(&self) -> Option<bool> {
        self.inner.shared.as_ref().map(|shared| shared.link.is_up())
    }

    /// A cache that knows nothing yet. Without [`Cache::run`] it never uses Redis.
    ///
    /// # Errors
    /// When Redis' URL cannot be used.
    pub fn new(options: &CacheOptions, epochs: Arc<dyn Epochs>) -> Result<Self, RedisError> {
        let (writes, counters) = (Arc::<Writes>::default(), Arc::<Counters>::default());
        let link = |redis: &Redis| Link::new(redis.client(), Arc::clone(&writes), Arc::clone(&counters));
        let link = options.redis.as_ref().map(link).transpose()?;
        let shared = link.map(|link| Shared { link: Arc::new(link), ttl: options.ttl });
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                writes,
                counters,
                epochs,
                untold: Notify::new(),
                left: AtomicBool::new(false),
                writer: RandomState::new().hash_one(std::process::id()),
                tombstones: AtomicU64::new(0),
            }),
        })
    }

    /// Keeps the connection, hears what other processes write, and makes good what could not be told: to be spawned
    /// by every process that reads or writes. Never ends.
    pub async fn run(self) {
        tokio::join!(self.keep_pulse(), self.begin_epochs());
    }

    /// Says that this process writes no more, so that nobody takes it for vanished.
    pub async fn leave(&self) {
        self.inner.left.store(true, Ordering::Release);
        if let Some(shared) = &self.inner.shared {
            writers::leave(&shared.link, &self.member()).await;
        }
    }

    /// Whether Redis is used at this moment.
    pub fn is_shared(&self) -> bool {
        let up = self.inner.shared.as_ref().and_then(|shared| shared.link.up());
        up.is_some_and(|up| up.epoch().is_some())
    }

    /// How it does.
    pub fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    pub(super) fn writes(&self) -> &Writes {
        &self.inner.writes
    }

    pub(super) fn shared(&self) -> Option<&Shared> {
        self.inner.shared.as_ref()
    }

    fn member(&self) -> String {
        format!("{:016x}", self.inner.writer)
    }

    async fn keep_pulse(&self) {
        let Some(shared) = &self.inner.shared else { return };
        let member = self.member();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.inner.left.load(Ordering::Acquire) {
                return;
            }
            let pulse = writers::pulse(&shared.link, self.inner.epochs.as_ref(), &member);
            if timeout(PULSE, pulse).await.is_err() {
                shared.link.doubted();
            }
        }
    }

    async fn begin_epochs(&self) {
        loop {
            self.inner.untold.notified().await;
            while let Err(error) = self.inner.epochs.advance().await {
                tracing::debug!(error = &error as &dyn std::error::Error, "another epoch cannot be begun yet");
                sleep(EPOCH_PAUSE).await;
            }
            sleep(EPOCH_PAUSE).await;
        }
    }

    async fn tell(&self, keys: Vec<Key>, messages: &[Vec<u8>]) {
        let inner = &self.inner;
        let told = match &inner.shared {
            Some(shared) if keys.len() <= MOST_KEYS => {
                let mark = |key| (key, tombstone(inner.writer, inner.tombstones.fetch_add(1, Ordering::Relaxed)));
                let tombstones: Vec<_> = keys.iter().copied().map(mark).collect();
                shared.tell(&tombstones, messages).await
            }
            Some(shared) => {
                shared.link.untold();
                false
            }
            // Others may have a Redis that we do not know of.
            None => false,
        };
        if !told && !keys.is_empty() {
            inner.untold.notify_one();
        }
    }
}

#[async_trait]
impl Invalidate for Cache {
    async fn invalidate(&self, touched: Vec<Touched>) {
        let (mut keys, mut messages) = (Vec::new(), Vec::new());
        for touched in touched {
            match touched {
                Touched::User { tenant, id, emails, usernames } => {
                    keys.push(Key::user_id(tenant, id));
                    keys.extend(emails.iter().map(|email| Key::user_email(tenant, email)));
                    keys.extend(usernames.iter().map(|name| Key::user_username(tenant, name)));
                }
                Touched::UsersMade { tenant } => {
                    self.inner.writes.forget_absent(tenant.get().as_u128());
                    messages.push(message::made(tenant));
                }
            }
        }
        for key in &keys {
            self.inner.writes.forget(key.to_parts());
        }
        if !keys.is_empty() {
            messages.push(message::keys(&keys));
        }
        if !messages.is_empty() {
            self.tell(keys, &messages).await;
        }
    }
}
