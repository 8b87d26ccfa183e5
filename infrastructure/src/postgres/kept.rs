use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// How long a connection is kept for whoever comes next.
const PATIENCE: Duration = Duration::from_millis(10);

/// Connections that go from one short statement to the next without going back to the pool in between.
///
/// The pool asks whoever comes back for a sign of life: a second round trip, and half of what Postgres and the process wake
/// up for. Where others may be waiting for a connection they go back all the same, and so they do soon when nobody comes.
#[derive(Debug, Clone)]
pub(super) struct KeptConnections {
    pool: PgPool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The latest is the last, and taken first: those that are too many get old.
    connections: Vec<(PoolConnection<Postgres>, Instant)>,
    /// Whether a task gives back those that get old.
    is_watched: bool,
}

impl KeptConnections {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, kept: Arc::default() }
    }

    pub(super) async fn take(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let kept = lock(&self.kept).connections.pop();
        match kept {
            Some((connection, _)) => Ok(connection),
            None => self.pool.acquire().await,
        }
    }

    /// Only after a statement that has ended well, outside of a transaction. Others are dropped, and so go to the pool.
    pub(super) fn keep(&self, connection: PoolConnection<Postgres>) {
        let most = self.pool.options().get_max_connections();
        let others_find_one = self.pool.num_idle() > 0 || self.pool.size() < most;
        let mut kept = lock(&self.kept);
        if !others_find_one || 2 * kept.connections.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return;
        }
        kept.connections.push((connection, Instant::now()));
        if !mem::replace(&mut kept.is_watched, true) {
            tokio::spawn(give_back(Arc::clone(&self.kept)));
        }
    }
}

/// Gives back those that nobody has needed, until there are none.
async fn give_back(kept: Arc<Mutex<Kept>>) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        let mut kept = lock(&kept);
        let old: Vec<_> = kept.connections.extract_if(.., |(_, since)| since.elapsed() >= PATIENCE).collect();
        kept.is_watched = !kept.connections.is_empty();
        let is_over = !kept.is_watched;
        drop(kept);
        drop(old);
        if is_over {
            return;
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
