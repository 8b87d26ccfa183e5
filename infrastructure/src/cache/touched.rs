use async_trait::async_trait;
use muster_domain::{TenantId, UserId};

/// What a unit of work wrote, by the keys under which readers know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// One user was made, changed, deleted, restored or removed.
    User {
        /// Whose user.
        tenant: TenantId,
        /// Identity.
        id: UserId,
        /// Addresses before and after, in normal form.
        emails: Vec<String>,
        /// User names before and after, folded.
        usernames: Vec<String>,
    },
    /// Many users were made at once: nothing that was known of users is out of date, but who was not there may be
    /// there now.
    UsersMade {
        /// Whose users.
        tenant: TenantId,
    },
}

/// Told what was written, after it was committed.
#[async_trait]
pub trait Invalidate: Send + Sync {
    /// Makes sure that no reader sees what was before these writes for longer than the cache's bound. Never fails and
    /// never takes long: what cannot be said now is said later.
    async fn invalidate(&self, touched: Vec<Touched>);
}

/// There is no cache.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCache;

#[async_trait]
impl Invalidate for NoCache {
    async fn invalidate(&self, _: Vec<Touched>) {}
}
