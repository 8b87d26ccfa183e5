use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::MailBatch;
use crate::{OperationId, RepositoryError};

/// Mail batches within one unit of work, and so within one tenant.
#[async_trait]
pub trait MailRepository: Send {
    /// Records that the users of a block are to be welcomed; `total` is how many there are.
    async fn insert(
        &mut self,
        operation: OperationId,
        block: u32,
        batch: &MailBatch,
        total: u32,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Reads a batch and locks it until the unit of work ends; none when the block made no users.
    async fn lock(&mut self, operation: OperationId, block: u32) -> Result<Option<MailBatch>, RepositoryError>;

    /// Stores how far a batch is and adds to its counts. Once it is finished, its total is what was sent or refused:
    /// users who were removed before their mail get none, and count for none.
    async fn record(
        &mut self,
        operation: OperationId,
        block: u32,
        batch: &MailBatch,
        sent: u32,
        refused: u32,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;
}
