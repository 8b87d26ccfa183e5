use async_trait::async_trait;
use muster_application::Context;
use muster_application::ports::{UnitOfWork, UnitOfWorkFactory};
use muster_domain::RepositoryError;
use muster_domain::mails::MailRepository;
use muster_domain::operations::OperationRepository;
use muster_domain::users::UserRepository;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::error::repository_error;

/// Transactions of a pool.
#[derive(Debug, Clone)]
pub struct PgUnits {
    pool: PgPool,
}

impl PgUnits {
    /// Units of work on this pool.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

/// A transaction bound to a tenant: its repositories name the tenant in every statement, and row level security
/// stands behind them. Each repository trait is implemented in its own file, on this one struct.
pub(super) struct PgUnitOfWork {
    pub(super) tx: Transaction<'static, Postgres>,
    pub(super) tenant: Uuid,
}

/// Begins a transaction that sees one tenant.
pub(super) async fn begin(pool: &PgPool, tenant: Uuid) -> Result<PgUnitOfWork, RepositoryError> {
    // One round trip for both statements. A UUID prints as hex digits and dashes, so nothing can be injected.
    let statement = format!("begin; select set_config('app.tenant_id', '{tenant}', true)");
    let tx = pool.begin_with(AssertSqlSafe(statement)).await.map_err(repository_error)?;
    Ok(PgUnitOfWork { tx, tenant })
}

#[async_trait]
impl UnitOfWorkFactory for PgUnits {
    async fn begin(&self, ctx: &Context) -> Result<Box<dyn UnitOfWork>, RepositoryError> {
        Ok(Box::new(begin(&self.pool, ctx.tenant.get()).await?))
    }
}

#[async_trait]
impl UnitOfWork for PgUnitOfWork {
    fn users(&mut self) -> &mut dyn UserRepository {
        self
    }

    fn operations(&mut self) -> &mut dyn OperationRepository {
        self
    }

    fn mails(&mut self) -> &mut dyn MailRepository {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), RepositoryError> {
        self.tx.commit().await.map_err(repository_error)
    }
}
