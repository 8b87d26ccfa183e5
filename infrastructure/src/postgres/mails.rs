use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::mails::{MailBatch, MailRepository};
use muster_domain::{OperationId, RepositoryError};

use super::convert::{to_i32, to_u32};
use super::error::{one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

#[async_trait]
impl MailRepository for PgUnitOfWork {
    async fn insert(
        &mut self,
        operation: OperationId,
        block: u32,
        batch: &MailBatch,
        total: u32,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let deferred = deferred(batch)?;
        let done = sqlx::query!(
            r#"insert into mail_batches (tenant_id, operation_id, block, first_row, last_row, done_through, deferred, total, updated_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
            self.tenant,
            operation.get(),
            to_i32(block)?,
            to_i32(batch.first_row)?,
            to_i32(batch.last_row)?,
            to_i32(batch.done_through)?,
            &deferred,
            to_i32(total)?,
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn lock(&mut self, operation: OperationId, block: u32) -> Result<Option<MailBatch>, RepositoryError> {
        let row = sqlx::query!(
            r#"select
                   first_row
                 , last_row
                 , done_through
                 , deferred
               from mail_batches
               where tenant_id = $1 and operation_id = $2 and block = $3
               for update"#,
            self.tenant,
            operation.get(),
            to_i32(block)?,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(MailBatch {
            first_row: to_u32(row.first_row)?,
            last_row: to_u32(row.last_row)?,
            done_through: to_u32(row.done_through)?,
            deferred: row.deferred.into_iter().map(to_u32).collect::<Result<_, _>>()?,
        }))
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
        let deferred = deferred(batch)?;
        let done = sqlx::query!(
            r#"update mail_batches
               set done_through = $4
                 , deferred = $5
                 , sent = sent + $6
                 , refused = refused + $7
                 , total = case when $4 >= last_row and $5 = '{}'::integer[] then sent + $6 + refused + $7 else total end
                 , updated_at = $8
               where tenant_id = $1 and operation_id = $2 and block = $3"#,
            self.tenant,
            operation.get(),
            to_i32(block)?,
            to_i32(batch.done_through)?,
            &deferred,
            to_i32(sent)?,
            to_i32(refused)?,
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }
}

fn deferred(batch: &MailBatch) -> Result<Vec<i32>, RepositoryError> {
    batch.deferred.iter().map(|row| to_i32(*row)).collect()
}
