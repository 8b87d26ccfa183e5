use chrono::{DateTime, Utc};
use muster_domain::operations::{Block, BlockOutcome, BlockPayload, OperationState, SettledBlock, UploadedBlock};
use muster_domain::{OperationId, RepositoryError};

use super::convert::{to_i32, to_u32};
use super::error::{damaged, one_row, repository_error};
use super::lineage::digest;
use super::unit_of_work::PgUnitOfWork;

/// What a block's line in the ledger says of its rows.
struct Counts {
    created: Option<i32>,
    changed: i32,
    skipped: i32,
    failed: Option<i32>,
    exported: i32,
}

impl Counts {
    fn outcome(&self) -> Result<Option<BlockOutcome>, RepositoryError> {
        let Some((created, failed)) = self.created.zip(self.failed) else { return Ok(None) };
        Ok(Some(BlockOutcome {
            created: to_u32(created)?,
            changed: to_u32(self.changed)?,
            skipped: to_u32(self.skipped)?,
            failed: to_u32(failed)?,
            exported: to_u32(self.exported)?,
        }))
    }
}

impl PgUnitOfWork {
    pub(super) async fn append(&mut self, operation: OperationId, block: &BlockPayload) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"insert into operation_blocks (tenant_id, operation_id, number, first_row, row_count, payload)
               values ($1, $2, $3, $4, $5, $6)"#,
            self.tenant,
            operation.get(),
            to_i32(block.number)?,
            to_i32(block.first_row)?,
            to_i32(block.rows)?,
            block.data.as_ref(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn block_locked(
        &mut self,
        operation: OperationId,
        number: u32,
    ) -> Result<Option<Block>, RepositoryError> {
        // The block first, and then a share of the operation's key, which keeps `drain` waiting and nobody else.
        let row = sqlx::query!(
            r#"select
                   b.first_row
                 , b.row_count
                 , b.payload
                 , b.created
                 , b.changed
                 , b.skipped
                 , b.failed
                 , b.expected
                 , b.exported
                 , b.attempt
                 , o.state
               from operation_blocks b
               join operations o on o.tenant_id = b.tenant_id and o.id = b.operation_id
               where b.tenant_id = $1 and b.operation_id = $2 and b.number = $3
               for update of b
               for key share of o"#,
            self.tenant,
            operation.get(),
            to_i32(number)?,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = row else { return Ok(None) };
        let (changed, skipped, exported) = (row.changed, row.skipped, row.exported);
        let counts = Counts { created: row.created, changed, skipped, failed: row.failed, exported };
        let outcome = counts.outcome()?;
        let payload = BlockPayload {
            number,
            first_row: to_u32(row.first_row)?,
            rows: to_u32(row.row_count)?,
            // Gone only when the operation has ended, and then nobody looks at it.
            data: row.payload.unwrap_or_default().into(),
        };
        let expected = row.expected.map(digest).transpose()?;
        let operation = OperationState::from_name(&row.state).ok_or_else(|| damaged("state"))?;
        Ok(Some(Block { payload, outcome, expected, attempt: to_u32(row.attempt)?, operation }))
    }

    pub(super) async fn uploaded(
        &mut self,
        operation: OperationId,
        from: u32,
        row: u32,
    ) -> Result<Option<UploadedBlock>, RepositoryError> {
        let found = sqlx::query!(
            r#"select
                   number
                 , first_row
                 , row_count
                 , payload
                 , created
                 , changed
                 , skipped
                 , failed
                 , exported
               from operation_blocks
               where tenant_id = $1 and operation_id = $2 and number >= $3 and first_row + row_count - 1 >= $4
               order by number
               limit 1"#,
            self.tenant,
            operation.get(),
            to_i32(from)?,
            i32::try_from(row).unwrap_or(i32::MAX),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = found else { return Ok(None) };
        let (changed, skipped, exported) = (row.changed, row.skipped, row.exported);
        let counts = Counts { created: row.created, changed, skipped, failed: row.failed, exported };
        Ok(Some(UploadedBlock {
            number: to_u32(row.number)?,
            first_row: to_u32(row.first_row)?,
            rows: to_u32(row.row_count)?,
            data: row.payload.map(Into::into),
            outcome: counts.outcome()?,
        }))
    }

    pub(super) async fn open(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        let numbers = sqlx::query_scalar!(
            r#"select number
               from operation_blocks
               where tenant_id = $1 and operation_id = $2 and number between $3 and $4 and settled_at is null
               order by number"#,
            self.tenant,
            operation.get(),
            to_i32(first)?,
            to_i32(last)?,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        numbers.into_iter().map(to_u32).collect()
    }

    pub(super) async fn settle(
        &mut self,
        operation: OperationId,
        number: u32,
        outcome: BlockOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update operation_blocks
               set created = $4, failed = $5, settled_at = $6, changed = $7, skipped = $8, exported = $9
               where tenant_id = $1 and operation_id = $2 and number = $3 and settled_at is null"#,
            self.tenant,
            operation.get(),
            to_i32(number)?,
            to_i32(outcome.created)?,
            to_i32(outcome.failed)?,
            now,
            to_i32(outcome.changed)?,
            to_i32(outcome.skipped)?,
            to_i32(outcome.exported)?,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn settled(
        &mut self,
        operation: OperationId,
        after: u32,
    ) -> Result<Vec<SettledBlock>, RepositoryError> {
        let rows = sqlx::query_as!(
            SettledRow,
            r#"select
                   first_row
                 , row_count
                 , created
                 , changed
                 , skipped
                 , failed
                 , exported
               from operation_blocks
               where tenant_id = $1 and operation_id = $2 and settled_at is not null and first_row + row_count - 1 > $3
               order by number"#,
            self.tenant,
            operation.get(),
            i32::try_from(after).unwrap_or(i32::MAX),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(SettledRow::read).collect()
    }

    pub(super) async fn settled_from(
        &mut self,
        operation: OperationId,
        first_row: u32,
    ) -> Result<Option<SettledBlock>, RepositoryError> {
        let row = sqlx::query_as!(
            SettledRow,
            r#"select
                   first_row
                 , row_count
                 , created
                 , changed
                 , skipped
                 , failed
                 , exported
               from operation_blocks
               where tenant_id = $1 and operation_id = $2 and settled_at is not null and first_row = $3"#,
            self.tenant,
            operation.get(),
            to_i32(first_row)?,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(SettledRow::read).transpose()
    }
}

struct SettledRow {
    first_row: i32,
    row_count: i32,
    created: Option<i32>,
    changed: i32,
    skipped: i32,
    failed: Option<i32>,
    exported: i32,
}

impl SettledRow {
    fn read(self) -> Result<SettledBlock, RepositoryError> {
        let Self { first_row, row_count, created, changed, skipped, failed, exported } = self;
        let counts = Counts { created, changed, skipped, failed, exported };
        let outcome = counts.outcome()?.ok_or_else(|| damaged("ledger"))?;
        Ok(SettledBlock { first_row: to_u32(first_row)?, rows: to_u32(row_count)?, outcome })
    }
}
