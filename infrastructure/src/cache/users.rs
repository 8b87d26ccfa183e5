use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::DateTime;
use muster_domain::users::{EmailAddress, FullName, User, UserReader, Username};
use muster_domain::{RepositoryError, TenantId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::entity::Cached;
use super::invalidate::Cache;
use super::key::{Key, Space};
use super::lookups::Lookups;

/// Users by what they are known by, from the cache, and from another reader what is not in it.
pub struct CachedUsers {
    inner: Arc<dyn UserReader>,
    users: Lookups<User>,
}

impl CachedUsers {
    /// Puts a cache in front of a reader; `ttl` is that of [`super::CacheOptions`].
    pub fn new(inner: Arc<dyn UserReader>, cache: Cache, ttl: Duration) -> Self {
        Self { inner, users: Lookups::new(cache, ttl) }
    }
}

#[async_trait]
impl UserReader for CachedUsers {
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.users.get(Key::user_id(tenant, id), || self.inner.find(tenant, id)).await
    }

    async fn find_by_email(&self, tenant: TenantId, email: &str) -> Result<Option<User>, RepositoryError> {
        self.users.get(Key::user_email(tenant, email), || self.inner.find_by_email(tenant, email)).await
    }

    async fn find_by_username(&self, tenant: TenantId, username: &str) -> Result<Option<User>, RepositoryError> {
        self.users.get(Key::user_username(tenant, username), || self.inner.find_by_username(tenant, username)).await
    }
}

/// Version 1 of a user in Redis.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    id: Uuid,
    email: Cow<'a, str>,
    username: Cow<'a, str>,
    full_name: Option<Cow<'a, str>>,
    is_active: bool,
    version: i64,
    /// In microseconds, as exact as Postgres has them.
    created_at: i64,
    updated_at: i64,
}

impl Cached for User {
    fn encode(&self) -> Option<Vec<u8>> {
        let stored = Stored {
            id: self.id.get(),
            email: self.email.as_str().into(),
            username: self.username.as_str().into(),
            full_name: self.full_name.as_ref().map(|name| name.as_str().into()),
            is_active: self.is_active,
            version: self.version,
            created_at: self.created_at.timestamp_micros(),
            updated_at: self.updated_at.timestamp_micros(),
        };
        serde_json::to_vec(&stored).ok()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let stored: Stored<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            id: UserId::new(stored.id),
            email: EmailAddress::from_stored(stored.email.into_owned()),
            username: Username::from_stored(stored.username.into_owned()),
            full_name: stored.full_name.map(|name| FullName::from_stored(name.into_owned())),
            is_active: stored.is_active,
            version: stored.version,
            created_at: DateTime::from_timestamp_micros(stored.created_at)?,
            updated_at: DateTime::from_timestamp_micros(stored.updated_at)?,
        })
    }

    fn is_known_by(&self, key: Key) -> bool {
        key == match key.space {
            Space::UserId => Key::user_id(key.tenant, self.id),
            Space::UserEmail => Key::user_email(key.tenant, self.email.as_str()),
            Space::UserUsername => Key::user_username(key.tenant, &self.username.folded()),
        }
    }
}
