use std::time::Duration;

use async_trait::async_trait;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::timeout;

/// How long the database may take to tell the epoch.
const PATIENCE: Duration = Duration::from_millis(800);

/// The epoch of what is shared: a number that only rises. It lies with the data itself, because whoever has written
/// data can reach it there, whatever else is down.
#[async_trait]
pub trait Epochs: Send + Sync {
    /// The epoch at some time after this was called.
    async fn current(&self) -> Result<i64, sqlx::Error>;

    /// Begins another epoch and gives it; never one that was there before.
    async fn advance(&self) -> Result<i64, sqlx::Error>;
}

/// A sequence in Postgres: read and raised without a lock, and a crash never takes it back.
#[derive(Debug, Clone)]
pub struct PgEpochs {
    own: PgPool,
}

impl PgEpochs {
    /// The epoch in the database of this pool, over one connection besides those of the pool: when all of those are
    /// busy, the cache is needed most.
    pub fn new(pool: &PgPool) -> Self {
        let options = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        Self { own: options.connect_lazy_with((*pool.connect_options()).clone()) }
    }
}

#[async_trait]
impl Epochs for PgEpochs {
    async fn current(&self) -> Result<i64, sqlx::Error> {
        // A sequence that was never raised shows its first value as its last one.
        let ask = sqlx::query_scalar!(r#"select last_value + is_called::integer as "epoch!" from muster_cache_epoch"#)
            .fetch_one(&self.own);
        timeout(PATIENCE, ask).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn advance(&self) -> Result<i64, sqlx::Error> {
        let ask = sqlx::query_scalar!(r#"select nextval('muster_cache_epoch') + 1 as "epoch!""#).fetch_one(&self.own);
        timeout(PATIENCE, ask).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }
}
