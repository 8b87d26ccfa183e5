use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{BlockEvent, NewUser, PageStart, StoredUser, User, UserEvent, UserFilter};
use crate::{EventId, RepositoryError, TenantId, UserId};

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

    /// Inserts one user and the first line of their history, and puts them in line for a welcome mail if that is asked,
    /// and tells the tenant's endpoints, with one statement; `false`, and nothing done, when the e-mail address or the user name is not free.
    async fn insert(&mut self, user: &User, event: &UserEvent, welcome: bool) -> Result<bool, RepositoryError>;

    /// Reads a user, alive or deleted, and locks them until the unit of work ends.
    async fn lock(&mut self, id: UserId) -> Result<Option<StoredUser>, RepositoryError>;

    /// Stores a locked user and a line of their history, with one statement, and tells the tenant's endpoints.
    ///
    /// # Errors
    /// `Conflict` with the field whose value another living user has; the unit of work is of no use after that.
    async fn store(&mut self, user: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError>;

    /// As `lock`, for many, by id ascending; those who are not there are left out.
    async fn lock_all(&mut self, ids: &[UserId]) -> Result<Vec<StoredUser>, RepositoryError>;

    /// As `store`, for many locked users, each with a line of their history; endpoints are not told. None of them may want the e-mail address or
    /// the user name of another one of them.
    ///
    /// # Errors
    /// As `store`.
    async fn store_all(&mut self, users: &[(StoredUser, UserEvent)]) -> Result<(), RepositoryError>;

    /// Adds lines to the histories of users who are there. The users stay as they are, and endpoints are not told.
    async fn note_all(&mut self, events: &[UserEvent]) -> Result<(), RepositoryError>;

    /// As `remove`, for many; returns how many there were. Endpoints are not told.
    async fn remove_all(&mut self, ids: &[UserId]) -> Result<u64, RepositoryError>;

    /// Removes a user, alive or deleted, and all that tells of them: history, mails that wait or were refused,
    /// idempotency keys, former values that operations keep; `false` if there is no such user. Endpoints are told of it as
    /// of a deletion at `now`.
    async fn remove(&mut self, id: UserId, now: DateTime<Utc>) -> Result<bool, RepositoryError>;

    /// Writes the line that an import's block leaves in the history of the users it made.
    async fn record_block(&mut self, event: &BlockEvent) -> Result<(), RepositoryError>;

    /// Living users who hold one of these e-mail addresses (normal form) or user names (folded).
    async fn holders(&mut self, emails: &[&str], usernames: &[String]) -> Result<Vec<TakenBy>, RepositoryError>;

    /// Living users with ids in `first..=last`, by id ascending, at most `limit`.
    async fn range(&mut self, first: UserId, last: UserId, limit: u32) -> Result<Vec<User>, RepositoryError>;
}

/// Makes users outside a unit of work: what becomes of one does not depend on any other, even if they are committed together.
#[async_trait]
pub trait UserMaker: Send + Sync {
    /// As [`UserRepository::insert`], and commits. May be repeated: who is there already, exactly so, was made.
    async fn make(
        &self,
        tenant: TenantId,
        user: &User,
        event: &UserEvent,
        welcome: bool,
    ) -> Result<bool, RepositoryError>;
}

/// Reads users by what they are known by, outside a unit of work; may answer from a cache.
#[async_trait]
pub trait UserReader: Send + Sync {
    /// The living user with this id in this tenant, or none.
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError>;

    /// The living user with this e-mail address, given in normal form, or none.
    async fn find_by_email(&self, tenant: TenantId, email: &str) -> Result<Option<User>, RepositoryError>;

    /// The living user with this user name, given folded, or none.
    async fn find_by_username(&self, tenant: TenantId, username: &str) -> Result<Option<User>, RepositoryError>;
}

/// Totals up to this one are exact; counting half a million rows for every page is no answer.
pub const EXACT_TOTAL: u64 = 10_000;

/// Lists users outside a unit of work; never answers from a cache of users.
#[async_trait]
pub trait UserList: Send + Sync {
    /// Users whom the filter means, by `created_at` and then by id, both descending; at most `limit`.
    async fn page(
        &self,
        tenant: TenantId,
        filter: &UserFilter,
        start: PageStart,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError>;

    /// Users whom the filter means, as all of them are at one moment, whatever is written while they are read.
    async fn snapshot(&self, tenant: TenantId, filter: &UserFilter) -> Result<Box<dyn UserSnapshot>, RepositoryError>;

    /// How many users the filter means: exact up to [`EXACT_TOTAL`], above that at most five seconds old.
    async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError>;

    /// The history of a user who is there, alive or deleted, the latest first, only what is before `before`, at most
    /// `limit`; none when there is no such user. The line of the import that made the user comes last.
    async fn history(
        &self,
        tenant: TenantId,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<UserEvent>>, RepositoryError>;
}

/// Users as they are at one moment, read from the first to the last.
#[async_trait]
pub trait UserSnapshot: Send {
    /// The next ones, by id ascending, at most `limit`; nobody behind the last. Users who were removed for good meanwhile are
    /// among them.
    async fn next(&mut self, limit: u32) -> Result<Vec<User>, RepositoryError>;
}
