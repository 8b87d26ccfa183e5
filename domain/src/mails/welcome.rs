use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::users::User;
use crate::{RepositoryError, TenantId, UserId, WelcomeBatchId};

/// Welcome mails of users who were made one by one, within one unit of work, and so within one tenant.
///
/// A user gets in line with the statement that inserts them, so there is no mail for a user who was rolled back. From
/// there a mail goes into a batch, and leaves it when it was sent, or stays as refused.
#[async_trait]
pub trait WelcomeRepository: Send {
    /// Puts up to `limit` of those that wait into a batch, the oldest first; returns how many. Passes over those that
    /// another unit of work is putting into a batch right now.
    async fn gather(&mut self, batch: WelcomeBatchId, limit: u32, now: DateTime<Utc>) -> Result<u32, RepositoryError>;

    /// The living users of a batch whose mail is still to be sent, with ids after `after`, by id ascending, at most
    /// `limit`.
    async fn open(
        &mut self,
        batch: WelcomeBatchId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError>;

    /// Takes these users out of their batch: their mail was sent.
    async fn sent(&mut self, batch: WelcomeBatchId, users: &[UserId]) -> Result<(), RepositoryError>;

    /// Keeps these as refused for good, with a code that says why.
    async fn refused(
        &mut self,
        batch: WelcomeBatchId,
        users: &[UserId],
        code: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Takes out of a batch whoever is not alive any more: they get no mail.
    async fn close(&mut self, batch: WelcomeBatchId) -> Result<(), RepositoryError>;

    /// Notes that a batch was looked after, so that it is not due again at once.
    async fn touch(&mut self, batch: WelcomeBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError>;
}

/// Welcome mails that somebody has to look after: ids only, because this is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWelcomes {
    /// Whose they are.
    pub tenant: TenantId,
    /// The batch that has stood still; none for mails that are in no batch yet.
    pub batch: Option<WelcomeBatchId>,
}

/// Looks for welcome mails outside a unit of work.
#[async_trait]
pub trait WelcomeReader: Send + Sync {
    /// Tenants with mails that are in no batch, and batches that were last looked after before `stalled_before` and are
    /// not done; at most `limit` of each.
    async fn due_welcomes(
        &self,
        stalled_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWelcomes>, RepositoryError>;
}
