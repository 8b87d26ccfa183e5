use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{FilePart, FileRepository, OperationFile};
use muster_domain::{OperationId, RepositoryError};

use super::convert::{to_i32, to_i64, to_u32, to_u64};
use super::error::{one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

#[async_trait]
impl FileRepository for PgUnitOfWork {
    async fn begin_attempt(&mut self, operation: OperationId, block: u32) -> Result<u32, RepositoryError> {
        let attempt = sqlx::query_scalar!(
            r#"update operation_blocks
               set attempt = attempt + 1, exported = 0
               where tenant_id = $1 and operation_id = $2 and number = $3 and settled_at is null
               returning attempt"#,
            self.tenant,
            operation.get(),
            to_i32(block)?,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        to_u32(attempt)
    }

    async fn append_part(
        &mut self,
        operation: OperationId,
        block: u32,
        part: &FilePart,
        exported: u32,
    ) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"with counted as (
                   update operation_blocks
                   set exported = $4
                   where tenant_id = $1 and operation_id = $2 and number = $3 and settled_at is null
                   returning attempt
               )
               insert into operation_parts (tenant_id, operation_id, attempt, raw_offset, raw_length, data)
               select $1, $2, attempt, $5, $6, $7 from counted"#,
            self.tenant,
            operation.get(),
            to_i32(block)?,
            to_i32(exported)?,
            to_i64(part.offset)?,
            to_i32(part.length)?,
            part.data.as_ref(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn store_file(&mut self, operation: OperationId, file: &OperationFile) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"insert into operation_files (
                   tenant_id, operation_id, attempt, format, bytes, row_count, blake3, created_at, expires_at
               )
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
            self.tenant,
            operation.get(),
            to_i32(file.attempt)?,
            file.format.name(),
            to_i64(file.bytes)?,
            to_i32(file.rows)?,
            file.blake3.as_slice(),
            file.created_at,
            file.expires_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn part_at(
        &mut self,
        operation: OperationId,
        attempt: u32,
        offset: u64,
    ) -> Result<Option<FilePart>, RepositoryError> {
        let row = sqlx::query!(
            r#"select
                   raw_offset
                 , raw_length
                 , data
               from operation_parts
               where tenant_id = $1 and operation_id = $2 and attempt = $3 and raw_offset <= $4
               order by raw_offset desc
               limit 1"#,
            self.tenant,
            operation.get(),
            to_i32(attempt)?,
            to_i64(offset)?,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = row else { return Ok(None) };
        let part = FilePart { offset: to_u64(row.raw_offset)?, length: to_u32(row.raw_length)?, data: row.data.into() };
        Ok(Some(part).filter(|part| offset - part.offset < u64::from(part.length)))
    }

    async fn remove_parts(
        &mut self,
        operation: OperationId,
        through: u32,
        at_most: u32,
    ) -> Result<u32, RepositoryError> {
        let through = i32::try_from(through).unwrap_or(i32::MAX);
        sqlx::query!(
            r#"update operation_blocks
               set attempt = attempt + 1, exported = 0
               where tenant_id = $1 and operation_id = $2 and settled_at is null and attempt <= $3"#,
            self.tenant,
            operation.get(),
            through,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let removed = sqlx::query!(
            r#"delete from operation_parts
               where tenant_id = $1 and operation_id = $2 and (attempt, raw_offset) in (
                   select attempt, raw_offset
                   from operation_parts
                   where tenant_id = $1 and operation_id = $2 and attempt <= $3
                   order by attempt, raw_offset
                   limit $4
               )"#,
            self.tenant,
            operation.get(),
            through,
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u32::try_from(removed.rows_affected()).unwrap_or(u32::MAX))
    }

    async fn forget_file(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update operation_files
               set parts_removed_at = $3
               where tenant_id = $1 and operation_id = $2 and parts_removed_at is null"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }
}
