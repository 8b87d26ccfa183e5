use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{
    Block, BlockOutcome, BlockPayload, IdempotencyEntry, KeyOwner, NewOperation, Operation, OperationOptions,
    OperationRepository, PlanDigest, Relation, RetriedRow, SettledBlock, StoredRow, Usage,
};
use muster_domain::{OperationId, RepositoryError};

use super::convert::to_i32;
use super::error::{one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

#[async_trait]
impl OperationRepository for PgUnitOfWork {
    async fn insert(&mut self, operation: &NewOperation, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"insert into operations (
                   tenant_id, id, kind, state, format, actor, created_at, updated_at, parent_id, relation
               )
               values ($1, $2, $3, 'receiving', $4, $5, $6, $7, $8, $9)"#,
            self.tenant,
            operation.id.get(),
            operation.kind.name(),
            operation.format.name(),
            operation.actor.as_deref(),
            operation.created_at,
            now,
            operation.parent.map(|parent| parent.id.get()),
            operation.parent.map(|parent| parent.relation.name()),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn claim_key(
        &mut self,
        key: &str,
        owner: KeyOwner,
        digest: Option<[u8; 32]>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        self.claim(key, owner, digest, expires_at).await
    }

    async fn find_key(&mut self, key: &str) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        self.key(key).await
    }

    async fn seal_key(&mut self, key: &str, digest: [u8; 32]) -> Result<(), RepositoryError> {
        self.seal(key, digest).await
    }

    async fn append_blocks(
        &mut self,
        operation: OperationId,
        blocks: &[BlockPayload],
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        let alive = sqlx::query!(
            r#"update operations set updated_at = $3 where tenant_id = $1 and id = $2 and state = 'receiving'"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if alive.rows_affected() == 0 {
            return Ok(false);
        }
        for block in blocks {
            self.append(operation, block).await?;
        }
        Ok(true)
    }

    async fn queue(
        &mut self,
        operation: OperationId,
        options: OperationOptions,
        unknown_columns: &[String],
        rows: u32,
        blocks: u32,
        now: DateTime<Utc>,
    ) -> Result<bool, RepositoryError> {
        let done = sqlx::query!(
            r#"update operations
               set state = 'queued'
                 , on_error = $3
                 , send_welcome = $4
                 , max_errors = $9
                 , unknown_columns = $5
                 , rows_total = $6
                 , blocks_total = $7
                 , queued_at = $8
                 , updated_at = $8
                 , on_conflict = $10
                 , match_by = $11
                 , dry_run = $12
               where tenant_id = $1 and id = $2 and state = 'receiving'"#,
            self.tenant,
            operation.get(),
            options.on_error.name(),
            options.send_welcome,
            unknown_columns,
            to_i32(rows)?,
            to_i32(blocks)?,
            now,
            options.max_errors.map(|budget| budget.to_string()),
            options.on_conflict.name(),
            options.match_by.name(),
            options.dry_run,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn discard(&mut self, operation: OperationId) -> Result<bool, RepositoryError> {
        // Blocks and the key go along by their foreign keys.
        let done = sqlx::query!(
            r#"delete from operations where tenant_id = $1 and id = $2 and state = 'receiving'"#,
            self.tenant,
            operation.get(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn find(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        Ok(self.operations(&[operation.get()]).await?.pop())
    }

    async fn lock(&mut self, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from operations where tenant_id = $1 and id = $2 for no key update"#,
            self.tenant,
            operation.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Read after the lock is held, so that the sums include whatever was committed before it.
        OperationRepository::find(self, operation).await
    }

    async fn start(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update operations
               set state = 'running', started_at = coalesce(started_at, $3), updated_at = $3
               where tenant_id = $1 and id = $2 and state = 'queued'"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn touch(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update operations set updated_at = $3 where tenant_id = $1 and id = $2"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn end(&mut self, operation: &Operation) -> Result<(), RepositoryError> {
        self.store_end(operation).await
    }

    async fn latest_child(
        &mut self,
        parent: OperationId,
        relation: Relation,
    ) -> Result<Option<OperationId>, RepositoryError> {
        self.child(parent, relation).await
    }

    async fn copy_blocks(
        &mut self,
        operation: OperationId,
        parent: OperationId,
    ) -> Result<(u32, u32), RepositoryError> {
        self.copy_blocks_of(operation, parent).await
    }

    async fn taken_back(
        &mut self,
        operation: OperationId,
        undo: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        self.undone_by_others(operation, undo, first, last).await
    }

    async fn copy_plan(&mut self, operation: OperationId, plan: OperationId) -> Result<(u32, u32), RepositoryError> {
        self.copy_blocks_of_plan(operation, plan).await
    }

    async fn store_digest(
        &mut self,
        operation: OperationId,
        block: u32,
        digest: PlanDigest,
    ) -> Result<(), RepositoryError> {
        self.note_digest(operation, block, digest).await
    }

    async fn digests(&mut self, operation: OperationId) -> Result<Vec<PlanDigest>, RepositoryError> {
        self.digests_of_blocks(operation).await
    }

    async fn accept_outcomes(&mut self, operation: OperationId) -> Result<(), RepositoryError> {
        self.expect_nothing(operation).await
    }

    async fn note_prepared(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.prepared(operation, now).await
    }

    async fn settled_block(
        &mut self,
        operation: OperationId,
        first_row: u32,
    ) -> Result<Option<SettledBlock>, RepositoryError> {
        self.settled_from(operation, first_row).await
    }

    async fn stored_rows(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        self.rows_between(operation, first, last).await
    }

    async fn store(&mut self, operation: &Operation, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.store_move(operation, now).await
    }

    async fn drain(&mut self, operation: OperationId) -> Result<(), RepositoryError> {
        // Blocks hold a share of the key: this waits for those that do. It could wait for ever while new ones come, so the
        // operation is to be moved first.
        sqlx::query_scalar!(
            r#"select id from operations where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            operation.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn lock_block(&mut self, operation: OperationId, block: u32) -> Result<Option<Block>, RepositoryError> {
        self.block_locked(operation, block).await
    }

    async fn open_blocks(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        self.open(operation, first, last).await
    }

    async fn settle_block(
        &mut self,
        operation: OperationId,
        block: u32,
        outcome: BlockOutcome,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.settle(operation, block, outcome, now).await
    }

    async fn insert_rows(&mut self, operation: OperationId, rows: &[StoredRow]) -> Result<(), RepositoryError> {
        self.store_rows(operation, rows).await
    }

    async fn note_retried(
        &mut self,
        operation: OperationId,
        rows: &[(u32, RetriedRow)],
    ) -> Result<(), RepositoryError> {
        self.retried(operation, rows).await
    }

    async fn usage(&mut self, since: DateTime<Utc>) -> Result<Usage, RepositoryError> {
        self.used(since).await
    }

    async fn purge_keys(&mut self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        self.purge(now).await
    }

    async fn remove_upload(
        &mut self,
        operation: OperationId,
        at_most: u32,
        now: DateTime<Utc>,
    ) -> Result<u32, RepositoryError> {
        self.forget_upload(operation, at_most, now).await
    }

    async fn remove_results(&mut self, operation: OperationId, at_most: u32) -> Result<u32, RepositoryError> {
        self.forget_results(operation, at_most).await
    }
}
