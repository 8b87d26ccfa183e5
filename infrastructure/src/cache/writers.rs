use std::time::{Duration, Instant};

use redis::{RedisResult, cmd};

use super::epochs::Epochs;
use super::link::{Link, Up};

/// How long a process that says nothing counts as being there. Who is killed between a commit and telling of it is
/// found out after this.
pub(super) const LEASE: Duration = Duration::from_secs(2);
/// Who may have committed something, and until when that is sure to be told: a sorted set by Redis' own clock.
const WRITERS: &str = "muster:cache:v1:writers";
/// Says that we are here; gives whether that was known, and who is here no more.
const PULSE: &str = "
if redis.call('TYPE', KEYS[1]).ok ~= 'zset' then redis.call('DEL', KEYS[1]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 1000)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
return {known, gone}";

/// Looks whether Redis is there, who else is, and which epoch it is.
///
/// Another epoch begins when what lies in Redis may be of before a write: somebody vanished who may have written; our
/// connection was lost, so Redis may have been restarted from an old state, or may still do what we asked before; or
/// Redis has forgotten us, and with us perhaps tombstones.
pub(super) async fn pulse(link: &Link, epochs: &dyn Epochs, member: &str) {
    let looked = Instant::now();
    let known = link.up();
    let is_new = known.is_none();
    let mut up = match known {
        Some(up) => up,
        None => match link.connect().await {
            Ok(up) => up,
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "Redis is not there yet");
                return;
            }
        },
    };
    let (expected, gone) = match announce(&mut up, member).await {
        Ok(answer) => answer,
        Err(error) => return link.lost(&up, &error),
    };
    let another = !gone.is_empty() || if is_new { link.was_interrupted() } else { !expected };
    let epoch = if another { epochs.advance().await } else { epochs.current().await };
    match epoch {
        Ok(epoch) => link.learnt(&up, epoch, looked),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "the cache's epoch cannot be learnt");
            return link.doubted();
        }
    }
    // Only now: if we had vanished as well, others would have to see it.
    if !gone.is_empty()
        && let Err(error) = forget(&mut up, &gone, member).await
    {
        link.lost(&up, &error);
    }
}

async fn announce(up: &mut Up, member: &str) -> RedisResult<(bool, Vec<Vec<u8>>)> {
    let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    cmd("EVAL").arg(PULSE).arg(1).arg(WRITERS).arg(member).arg(lease).query_async(&mut up.connection).await
}

/// Takes out who has vanished; never us, who only were late.
async fn forget(up: &mut Up, gone: &[Vec<u8>], member: &str) -> RedisResult<()> {
    let others: Vec<_> = gone.iter().filter(|name| name.as_slice() != member.as_bytes()).collect();
    if others.is_empty() {
        return Ok(());
    }
    cmd("ZREM").arg(WRITERS).arg(others).query_async(&mut up.connection).await
}

/// Says that we write no more.
pub(super) async fn leave(link: &Link, member: &str) {
    let Some(mut up) = link.up() else { return };
    let left: RedisResult<()> = cmd("ZREM").arg(WRITERS).arg(member).query_async(&mut up.connection).await;
    if let Err(error) = left {
        // Others will find out, and begin another epoch.
        tracing::debug!(error = &error as &dyn std::error::Error, "the cache was not left in an orderly way");
    }
}
