use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

/// How long a connection is kept for whoever comes next.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long it goes from one to the next at most: in the pool it is seen whether it is too old.
const AWAY: Duration = Duration::from_secs(1);

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
    connections: Vec<(Lent, Instant)>,
    /// Whether a task gives back those that get old.
    is_watched: bool,
}

/// A connection, and when the pool gave it.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) connection: PoolConnection<Postgres>,
    since: Instant,
}

impl KeptConnections {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool, kept: Arc::default() }
    }

    pub(super) async fn take(&self) -> Result<Lent, sqlx::Error> {
        let kept = lock(&self.kept).connections.pop();
        match kept {
            Some((lent, _)) => Ok(lent),
            None => Ok(Lent { connection: self.pool.acquire().await?, since: Instant::now() }),
        }
    }

    /// Only after a statement that has ended well, outside of a transaction. Others are dropped, and so go to the pool.
    pub(super) fn keep(&self, lent: Lent) {
        let most = self.pool.options().get_max_connections();
        let others_find_one = self.pool.num_idle() > 0 || self.pool.size() < most;
        let is_fresh = lent.since.elapsed() < AWAY;
        let mut kept = lock(&self.kept);
        if !is_fresh || !others_find_one || 2 * kept.connections.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
            return;
        }
        kept.connections.push((lent, Instant::now()));
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
        let old: Vec<_> = kept.connections.extract_if(.., |(_, kept_at)| kept_at.elapsed() >= PATIENCE).collect();
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
