use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{NewUser, User};
use crate::{RepositoryError, TenantId, UserId};

/// A living user who holds an e-mail address or a user name that somebody else wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBy {
    /// Who holds it.
    pub id: UserId,
    /// Their address in normal form.
    pub email: String,
    /// Their user name, folded to lower case.
    pub username: String,
}

/// Users within one unit of work, and so within one tenant.
#[async_trait]
pub trait UserRepository: Send {
    /// Inserts all users whose e-mail and user name are free among the living, with one statement.
    ///
    /// Returns the ids of those that were *not* inserted, in no order. Of several in `users` with the
    /// same e-mail or user name the first one is inserted. Whoever is inserted is as [`User::new`] says.
    async fn insert_free(
        &mut self,
        users: &[(UserId, NewUser)],
        now: DateTime<Utc>,
    ) -> Result<Vec<UserId>, RepositoryError>;

    /// Living users who hold one of these e-mail addresses (normal form) or user names (folded).
    async fn holders(&mut self, emails: &[&str], usernames: &[String]) -> Result<Vec<TakenBy>, RepositoryError>;

    /// Living users with ids in `first..=last`, by id ascending, at most `limit`.
    async fn range(&mut self, first: UserId, last: UserId, limit: u32) -> Result<Vec<User>, RepositoryError>;
}

/// Reads users outside a unit of work; may answer from a cache.
#[async_trait]
pub trait UserReader: Send + Sync {
    /// The living user with this id in this tenant, or none.
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError>;
}
