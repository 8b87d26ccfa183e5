use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::mails::{MailBatch, MailRepository};
use muster_domain::{OperationId, RepositoryError};

use super::unit::defect;
use super::{MemoryUnit, StoredBatch};

#[async_trait]
impl MailRepository for MemoryUnit {
    async fn insert(
        &mut self,
        operation: OperationId,
        block: u32,
        batch: &MailBatch,
        total: u32,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            if !draft.operations.contains_key(&operation) {
                return Err(defect("a mail batch of an operation that does not exist"));
            }
            let stored = StoredBatch { batch: batch.clone(), total, sent: 0, refused: 0, updated_at: now };
            match draft.mails.insert((operation, block), stored) {
                None => Ok(()),
                Some(_) => Err(defect("this block has a mail batch already")),
            }
        })
    }

    async fn lock(&mut self, operation: OperationId, block: u32) -> Result<Option<MailBatch>, RepositoryError> {
        self.statement(|draft| Ok(draft.mails.get(&(operation, block)).map(|stored| stored.batch.clone())))
    }

    async fn record(
        &mut self,
        operation: OperationId,
        block: u32,
        batch: &MailBatch,
        sent: u32,
        refused: u32,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.mails.get_mut(&(operation, block));
            let stored = stored.ok_or_else(|| defect("a mail batch that does not exist"))?;
            stored.batch = batch.clone();
            stored.sent += sent;
            stored.refused += refused;
            if batch.is_finished() {
                stored.total = stored.sent + stored.refused;
            }
            stored.updated_at = now;
            Ok(())
        })
    }
}
