use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{
    DueOperation, DueReason, FailedRow, Operation, OperationPosition, OperationReader, OperationRepository,
    OperationState, RowStatus, SettledBlock,
};
use muster_domain::users::{User, UserReader};
use muster_domain::{OperationId, RepositoryError, TenantId, UserId};
use sqlx::PgPool;

use super::error::{damaged, repository_error};
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
        status: Option<RowStatus>,
        after: u32,
        limit: u32,
    ) -> Result<Vec<FailedRow>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let rows = uow.failed_rows(operation, status, after, limit).await?;
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

    /// The one door through which anything is seen of all tenants: a function of the database's owner that
    /// gives ids of what is due, and nothing else (`migrations/0003_sweeper_door.sql`).
    async fn due(
        &self,
        stalled_before: DateTime<Utc>,
        abandoned_before: DateTime<Utc>,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueOperation>, RepositoryError> {
        let rows = sqlx::query!(
            r#"select
                   tenant_id as "tenant_id!"
                 , operation_id as "operation_id!"
                 , reason as "reason!"
               from muster_due($1, $2, $3, $4)"#,
            stalled_before,
            abandoned_before,
            now,
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(repository_error)?;
        rows.into_iter()
            .map(|row| {
                let reason = match row.reason.as_str() {
                    "start" => DueReason::Start,
                    "mails" => DueReason::Mails,
                    "abandoned" => DueReason::Abandoned,
                    "expired_keys" => DueReason::ExpiredKeys,
                    _ => return Err(damaged("reason")),
                };
                Ok(DueOperation {
                    tenant: TenantId::new(row.tenant_id),
                    operation: OperationId::new(row.operation_id),
                    reason,
                })
            })
            .collect()
    }
}
