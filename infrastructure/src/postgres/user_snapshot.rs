use std::sync::Arc;

use async_trait::async_trait;
use muster_domain::users::{User, UserFilter, UserSnapshot};
use muster_domain::{RepositoryError, TenantId};
use sqlx::{AssertSqlSafe, PgPool, Postgres, QueryBuilder, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::repository_error;
use super::unit_of_work::transaction;
use super::user_list::matching;
use super::users::UserRow;

/// One snapshot for all statements, and no way to write.
const BEGIN: &str = "begin isolation level repeatable read read only";
/// A page that takes longer is given up, and its attempt with it: a snapshot that nobody ends would keep Postgres from
/// tidying up.
const PATIENCE: &str = "set local statement_timeout = '10min'";

/// Opens snapshots on a pool: few at once, because each holds a connection for as long as it is read, and whoever reads one
/// needs others to store what they have read.
#[derive(Debug, Clone)]
pub(super) struct PgUserSnapshots {
    pool: PgPool,
    permits: Arc<Semaphore>,
}

impl PgUserSnapshots {
    pub(super) fn new(pool: PgPool) -> Self {
        let at_once = (pool.options().get_max_connections() / 4).max(1);
        Self { pool, permits: Arc::new(Semaphore::new(usize::try_from(at_once).unwrap_or(1))) }
    }

    /// Waits for its turn, and takes the snapshot.
    pub(super) async fn open(
        &self,
        tenant: TenantId,
        filter: &UserFilter,
    ) -> Result<Box<dyn UserSnapshot>, RepositoryError> {
        let internal = |error| RepositoryError::Internal(Box::from(error));
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(internal)?;
        let mut tx = transaction(&self.pool, tenant.get(), BEGIN).await?;
        sqlx::query(PATIENCE).execute(&mut *tx).await.map_err(repository_error)?;
        // All are read anyway, so that the index of searches is not asked: it would find no more, and is read as it was at
        // that moment, too.
        let mut query = QueryBuilder::<Postgres>::new(
            "declare users_of_moment no scroll cursor for \
             select id, email, username, full_name, is_active, version, created_at, updated_at from users where ",
        );
        matching(&mut query, tenant, filter);
        query.push(" order by id");
        query.build().persistent(false).execute(&mut *tx).await.map_err(repository_error)?;
        Ok(Box::new(PgUserSnapshot { tx, _permit: permit }))
    }
}

/// A cursor in a transaction that ends when this is dropped.
struct PgUserSnapshot {
    tx: Transaction<'static, Postgres>,
    _permit: OwnedSemaphorePermit,
}

#[async_trait]
impl UserSnapshot for PgUserSnapshot {
    async fn next(&mut self, limit: u32) -> Result<Vec<User>, RepositoryError> {
        // FETCH takes no parameter. It is not kept prepared, because the cursor that it is about ends with the transaction.
        let fetch = AssertSqlSafe(format!("fetch {limit} from users_of_moment"));
        let rows: Vec<UserRow> =
            sqlx::query_as(fetch).persistent(false).fetch_all(&mut *self.tx).await.map_err(repository_error)?;
        Ok(rows.into_iter().map(User::from).collect())
    }
}
