use redis::aio::MultiplexedConnection;
use redis::{RedisResult, cmd};

use super::gcra::{Counted, Rule};
use crate::spans;

/// Counts a request as [`Rule::count`] does, in one round trip and by Redis' own clock. What lies under the key and is no
/// number counts as nothing, and an instant that no budget could have reached (the clock was put back, or the machine
/// was changed) as the whole budget. Lua's numbers hold microseconds exactly until the year 2255.
const COUNT: &str = "
local share, whole = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stored = redis.pcall('GET', KEYS[1])
local whole_at = type(stored) == 'string' and tonumber(stored) or now
local taken = math.min(math.max(whole_at - now, 0), whole)
if taken + share > whole then return {0, taken} end
taken = taken + share
redis.call('SET', KEYS[1], string.format('%.0f', now + taken), 'PX', math.ceil(taken / 1000))
return {1, taken}";

/// Counts a request for all processes together.
pub(super) async fn count(connection: &mut MultiplexedConnection, name: &str, rule: Rule) -> RedisResult<Counted> {
    let mut count = cmd("EVAL");
    count.arg(COUNT).arg(1).arg(name).arg(rule.share).arg(rule.whole);
    let (admitted, taken) = spans::redis("EVAL", count.query_async(connection)).await?;
    Ok(Counted { admitted, taken })
}
