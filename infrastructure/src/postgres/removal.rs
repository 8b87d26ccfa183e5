use chrono::{DateTime, Utc};
use muster_domain::{OperationId, RepositoryError};

use super::convert::to_u32;
use super::error::repository_error;
use super::unit_of_work::PgUnitOfWork;

impl PgUnitOfWork {
    pub(super) async fn forget_upload(
        &mut self,
        operation: OperationId,
        at_most: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, RepositoryError> {
        let removed = sqlx::query!(
            r#"update operation_blocks
               set payload = null
               where tenant_id = $1 and operation_id = $2 and payload is not null and number in (
                   select number
                   from operation_blocks
                   where tenant_id = $1 and operation_id = $2 and payload is not null and exists (
                       select from operations where tenant_id = $1 and id = $2 and finished_at is not null
                   )
                   order by number
                   limit $3
               )"#,
            self.tenant,
            operation.get(),
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        sqlx::query!(
            r#"update operations
               set upload_removed_at = $3
               where tenant_id = $1 and id = $2 and finished_at is not null and upload_removed_at is null
                 and not exists (
                     select from operation_blocks where tenant_id = $1 and operation_id = $2 and payload is not null
                 )"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u32::try_from(removed.rows_affected()).unwrap_or(u32::MAX))
    }

    pub(super) async fn forget_results(
        &mut self,
        operation: OperationId,
        at_most: u32,
    ) -> Result<u32, RepositoryError> {
        let removed = sqlx::query_scalar!(
            r#"with removed as (
                   delete from operation_rows
                   where tenant_id = $1 and operation_id = $2 and number in (
                       select number
                       from operation_rows
                       where tenant_id = $1 and operation_id = $2 and exists (
                           select from operations where tenant_id = $1 and id = $2 and finished_at is not null
                       )
                       order by number
                       limit $3
                   )
                   returning 1
               )
               select count(*)::integer as "count!" from removed"#,
            self.tenant,
            operation.get(),
            i64::from(at_most),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Blocks and mail batches go along by their foreign keys.
        sqlx::query!(
            r#"delete from operations
               where tenant_id = $1 and id = $2 and finished_at is not null
                 and not exists (select from operation_rows where tenant_id = $1 and operation_id = $2)"#,
            self.tenant,
            operation.get(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        to_u32(removed)
    }
}
