use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Pipeline, RedisError, cmd};

use super::key::Key;
use super::link::{Link, Up};
use super::message::CHANNEL;
use super::value::{self, MAX_BYTES, Value};
use crate::spans;

/// Stores a value if what lies there is what was seen before the database was asked: a write in between has left a
/// tombstone, and each tombstone is another.
const STORE: &str = "
local now = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[4])
if type(now) == 'table' then now = '' end
if now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";
/// What took longer to load is not stored: a tombstone that came in between could have come and gone.
const STORE_WITHIN: Duration = Duration::from_secs(10);
/// How long a tombstone stays at least. As long as values otherwise, so that a full Redis does not throw it out first.
const TOMBSTONE: Duration = Duration::from_secs(30);

/// The level in Redis.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) link: Arc<Link>,
    pub(super) ttl: Duration,
}

/// What lay under a key before the database is asked.
#[derive(Debug)]
pub(super) struct Seen {
    up: Up,
    name: String,
    epoch: i64,
    raw: Vec<u8>,
    at: Instant,
}

impl Shared {
    /// Looks under a key; none when Redis cannot be asked or believed. Gives an entity as it was encoded, if there is
    /// one, and what is needed to store another.
    pub(super) async fn read(&self, key: Key) -> Option<(Option<Vec<u8>>, Seen)> {
        let at = Instant::now();
        let mut up = self.link.up()?;
        let epoch = up.epoch()?;
        let name = key.to_string();
        let last = MAX_BYTES - 1;
        let read: Result<Vec<u8>, _> =
            spans::redis("GETRANGE", cmd("GETRANGE").arg(&name).arg(0).arg(last).query_async(&mut up.connection)).await;
        let (raw, found) = match read {
            Ok(raw) => {
                let found = value::open(&name, epoch, &raw);
                (raw, found)
            }
            // Somebody put a list or the like there. Our script takes that for nothing, too.
            Err(error) if error.code() == Some("WRONGTYPE") => (Vec::new(), Value::Garbage),
            Err(error) => {
                self.link.lost(&up, &error);
                return None;
            }
        };
        if found == Value::Garbage {
            self.link.garbage(&name);
        }
        let entity = if let Value::Entity(entity) = found { Some(entity) } else { None };
        Some((entity, Seen { up, name, epoch, raw, at }))
    }

    /// What was taken for an entity is none, or another one.
    pub(super) fn refuse(&self, seen: &Seen) {
        self.link.garbage(&seen.name);
    }

    /// Stores what was loaded, unless it was written since.
    pub(super) async fn store(&self, mut seen: Seen, entity: &[u8]) {
        let Some(value) = value::seal(&seen.name, seen.epoch, entity) else { return };
        if seen.at.elapsed() > STORE_WITHIN {
            return;
        }
        let ttl = milliseconds(self.ttl);
        let mut store = cmd("EVAL");
        store.arg(STORE).arg(1).arg(&seen.name).arg(&seen.raw).arg(value).arg(ttl).arg(MAX_BYTES - 1);
        let stored: Result<(), RedisError> = spans::redis("EVAL", store.query_async(&mut seen.up.connection)).await;
        if let Err(error) = stored {
            self.link.lost(&seen.up, &error);
        }
    }

    /// Puts tombstones on keys and publishes messages, in one round trip; `false` when that may not have happened.
    pub(super) async fn tell(&self, tombstones: &[(Key, Vec<u8>)], messages: &[Vec<u8>]) -> bool {
        let Some(mut up) = self.link.up() else { return false };
        let ttl = milliseconds(self.ttl.max(TOMBSTONE));
        let mut pipeline = Pipeline::new();
        for (key, tombstone) in tombstones {
            pipeline.cmd("SET").arg(key.to_string()).arg(tombstone).arg("PX").arg(ttl).ignore();
        }
        for message in messages {
            pipeline.cmd("PUBLISH").arg(CHANNEL).arg(message).ignore();
        }
        match spans::redis("SET PUBLISH", pipeline.query_async::<()>(&mut up.connection)).await {
            Ok(()) => true,
            Err(error) => {
                self.link.lost(&up, &error);
                false
            }
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
