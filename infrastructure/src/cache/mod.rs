//! The cache in front of readers, and how it learns of writes (ADR 14).
//!
//! Two levels: entities in this process for `LOCAL_TTL`, and behind that Redis, which all processes share. Nothing
//! is served that is older than [`BOUND`], whatever Redis or a writer does:
//!
//! - A writer puts a *tombstone* on every key it touched, in Redis, and publishes the keys. What a reader has loaded is
//!   stored only if the key still is as the reader saw it before it asked the database: a tombstone in between wins.
//! - In the process each key has a count of the writes to it, and the count is part of what an entity is kept under:
//!   whatever was loaded before a write is out of reach after it.
//! - All of Redis is believed only in its *epoch*, a number in the database. Who could not tell Redis of a write, finds
//!   that Redis has lost its state, or that a writer has vanished, begins another epoch, and all of Redis is forgotten.
//!   A reader that has not learnt the epoch within `TRUST` leaves Redis alone.

mod counters;
mod entity;
mod epochs;
mod invalidate;
mod key;
mod link;
mod local;
mod lookups;
mod message;
mod shared;
mod touched;
mod users;
mod value;
mod writers;

use std::time::Duration;

pub use counters::{Counters, HITS, MISSES, READ_ERRORS};
pub use epochs::{Epochs, PgEpochs};
pub use invalidate::{Cache, CacheOptions};
pub use touched::{Invalidate, NoCache, Touched};
pub use users::CachedUsers;

/// No read is older than this: what it answers was so at some time in these last seconds, or when it began.
///
/// The longest way is that of a writer that is killed after its commit and before it says so: `writers::LEASE` until
/// it counts as vanished, a `TICK` until somebody has noticed, `TRUST` until all have learnt it.
pub const BOUND: Duration = Duration::from_secs(5);
/// How long an entity is kept in the process: the bound by itself for processes that share nothing.
const LOCAL_TTL: Duration = Duration::from_secs(3);
/// How long it is remembered that something is not there.
const ABSENT_TTL: Duration = Duration::from_secs(1);
/// Pause between looks at the epoch and at who still is there.
const TICK: Duration = Duration::from_millis(500);
/// How long such a look may take.
const PULSE: Duration = Duration::from_secs(1);
/// How long it is good for.
const TRUST: Duration = Duration::from_millis(1500);
