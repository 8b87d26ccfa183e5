use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{
    DueOperation, Operation, OperationPosition, OperationReader, OperationRepository, OperationState, SettledBlock,
    StoredRow, StoredRows, UploadedBlock,
};
use muster_domain::users::{User, UserReader};
use muster_domain::{OperationId, RepositoryError, TenantId, UserId};
use sqlx::PgPool;

use super::doors;
use super::error::repository_error;
use super::unit_of_work::begin;
use super::users::UserRow;

/// Reads on a pool, each in a transaction of its own that sees one tenant.
#[derive(Debug, Clone)]
pub struct PgReaders {
    pool: PgPool,
}

impl PgReaders {
    /// Readers on this pool.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }
}

#[async_trait]
impl UserReader for PgReaders {
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let row = sqlx::query_as!(
            UserRow,
            r#"select
                   id
                 , email
                 , username
                 , full_name
                 , is_active
                 , version
                 , created_at
                 , updated_at
               from users
               where tenant_id = $1 and id = $2 and deleted_at is null"#,
            tenant.get(),
            id.get(),
        )
        .fetch_optional(&mut *uow.tx)
        .await
        .map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(row.map(User::from))
    }

    async fn find_by_email(&self, tenant: TenantId, email: &str) -> Result<Option<User>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let row = sqlx::query_as!(
            UserRow,
            r#"select
                   id
                 , email
                 , username
                 , full_name
                 , is_active
                 , version
                 , created_at
                 , updated_at
               from users
               where tenant_id = $1 and email = $2 and deleted_at is null"#,
            tenant.get(),
            email,
        )
        .fetch_optional(&mut *uow.tx)
        .await
        .map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(row.map(User::from))
    }

    async fn find_by_username(&self, tenant: TenantId, username: &str) -> Result<Option<User>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let row = sqlx::query_as!(
            UserRow,
            r#"select
                   id
                 , email
                 , username
                 , full_name
                 , is_active
                 , version
                 , created_at
                 , updated_at
               from users
               where tenant_id = $1 and username_key = $2 and deleted_at is null"#,
            tenant.get(),
            username,
        )
        .fetch_optional(&mut *uow.tx)
        .await
        .map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(row.map(User::from))
    }
}

#[async_trait]
impl OperationReader for PgReaders {
    async fn find(&self, tenant: TenantId, operation: OperationId) -> Result<Option<Operation>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let found = OperationRepository::find(&mut uow, operation).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(found)
    }

    async fn find_many(&self, tenant: TenantId, operations: &[OperationId]) -> Result<Vec<Operation>, RepositoryError> {
        let ids: Vec<_> = operations.iter().map(|id| id.get()).collect();
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let found = uow.operations(&ids).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(found)
    }

    async fn list(
        &self,
        tenant: TenantId,
        state: Option<OperationState>,
        after: Option<OperationPosition>,
        limit: u32,
    ) -> Result<Vec<Operation>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let operations = uow.latest(state, after, limit).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(operations)
    }

    async fn rows(
        &self,
        tenant: TenantId,
        operation: OperationId,
        wanted: StoredRows,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let rows = uow.rows_after(operation, wanted, after, limit).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(rows)
    }

    async fn ledger(
        &self,
        tenant: TenantId,
        operation: OperationId,
        after: u32,
    ) -> Result<Vec<SettledBlock>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let blocks = uow.settled(operation, after).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(blocks)
    }

    async fn block_from(
        &self,
        tenant: TenantId,
        operation: OperationId,
        from: u32,
        row: u32,
    ) -> Result<Option<UploadedBlock>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let block = uow.uploaded(operation, from, row).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(block)
    }

    async fn outdated(
        &self,
        uploads_before: DateTime<Utc>,
        results_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError> {
        doors::outdated(&self.pool, uploads_before, results_before, limit).await
    }

    async fn outdated_files(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<DueOperation>, RepositoryError> {
        doors::outdated_files(&self.pool, now, limit).await
    }

    async fn due(
        &self,
        stalled_before: DateTime<Utc>,
        abandoned_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError> {
        doors::due(&self.pool, [stalled_before, abandoned_before, now], limit).await
    }
}
