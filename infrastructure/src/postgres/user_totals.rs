use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use muster_domain::users::{EXACT_TOTAL, UserFilter};
use muster_domain::{RepositoryError, TenantId};
use sqlx::{AssertSqlSafe, PgPool, Postgres, QueryBuilder};

use super::error::{damaged, repository_error};
use super::unit_of_work::{PgUnitOfWork, begin};
use super::user_list::{among, matching};

/// How long after it was established a total above [`EXACT_TOTAL`] is believed: less than the five seconds that are promised,
/// for an answer takes time as well.
const LIFE: Duration = Duration::from_millis(4_500);
/// So much before its end at least, a total that is asked for is established anew beside the answer, so that nobody who keeps
/// asking ever waits for it. Not sooner than need be: whoever counts keeps a core from everybody else.
const AHEAD: Duration = Duration::from_secs(1);
/// Rows that are counted in one step, in less than half a millisecond: who counts a million in one go keeps a core from everybody
/// who asks for a page meanwhile, for as long as the scheduler lets it.
const STEP: u64 = 4_000;
/// How the rows are to be found: not so that the first ones are there soon.
const TO_THE_END: &str = "set local cursor_tuple_fraction = 1";
/// Totals that are remembered: a tenant and a filter each.
const TOTALS: u64 = 10_000;
/// After so long it is counted even if nothing was written: a standby that took over and has lost commits may have had as many
/// others since.
const OLDEST_COUNT: Duration = Duration::from_mins(10);

type Key = (TenantId, UserFilter);

/// How many users there are: counted each time up to [`EXACT_TOTAL`], and remembered for a while above. What was counted is not
/// counted again while nobody wrote (ADR 36).
#[derive(Debug, Clone)]
pub(super) struct PgUserTotals {
    pool: PgPool,
    remembered: Cache<Key, Arc<Total>>,
    counted: Cache<Key, Counted>,
}

/// True for as long as the tenant has seen as many writes.
#[derive(Debug, Clone, Copy)]
struct Counted {
    users: u64,
    writes: i64,
}

#[derive(Debug)]
struct Total {
    users: u64,
    /// When somebody began to count, or to look whether the count is still true.
    since: Instant,
    /// From this age on it is to be established anew.
    due_after: Duration,
    /// Whether somebody does that already.
    renewed: AtomicBool,
}

/// Each total lives for [`LIFE`] from when it was true, however long it took to establish; one that has to be exact, not at all.
struct WhileTrue;

impl Expiry<Key, Arc<Total>> for WhileTrue {
    fn expire_after_create(&self, _: &Key, total: &Arc<Total>, _: Instant) -> Option<Duration> {
        let life = if total.users > EXACT_TOTAL { LIFE } else { Duration::ZERO };
        Some(life.saturating_sub(total.since.elapsed()))
    }

    fn expire_after_update(&self, key: &Key, total: &Arc<Total>, at: Instant, _: Option<Duration>) -> Option<Duration> {
        self.expire_after_create(key, total, at)
    }
}

impl PgUserTotals {
    pub(super) fn new(pool: PgPool) -> Self {
        let remembered = Cache::builder().max_capacity(TOTALS).expire_after(WhileTrue).build();
        let counted = Cache::builder().max_capacity(TOTALS).time_to_live(OLDEST_COUNT).build();
        Self { pool, remembered, counted }
    }

    pub(super) async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError> {
        let key = (tenant, filter.clone());
        if let Some(total) = self.remembered.get(&key).await {
            if total.since.elapsed() >= total.due_after && !total.renewed.swap(true, Ordering::Relaxed) {
                tokio::spawn(self.clone().renew(key, Arc::clone(&total)));
            }
            return Ok(total.users);
        }
        loop {
            if !self.counted.contains_key(&key) {
                let exact = self.few(&key).await?;
                if exact <= EXACT_TOTAL {
                    return Ok(exact);
                }
            }
            // However many ask at once, it is established once.
            let total = self.remembered.try_get_with_by_ref(&key, self.establish(&key)).await;
            let total = total.map_err(|error| RepositoryError::Unavailable(error.to_string().into()))?;
            if total.users > EXACT_TOTAL {
                return Ok(total.users);
            }
            // Meanwhile they are few, and of few nobody is told what another has counted.
        }
    }

    async fn renew(self, key: Key, former: Arc<Total>) {
        match self.establish(&key).await {
            Ok(total) => self.remembered.insert(key, total).await,
            // The next who asks tries again, and when nobody succeeds, the former total is soon too old.
            Err(_) => former.renewed.store(false, Ordering::Relaxed),
        }
    }

    async fn establish(&self, key: &Key) -> Result<Arc<Total>, RepositoryError> {
        let since = Instant::now();
        let mut uow = begin(&self.pool, key.0.get()).await?;
        // Before it is counted: what is written in between counts as written afterwards.
        let writes = if leaves_lines(&key.1) { Some(uow.writes().await?) } else { None };
        let former = self.counted.get(key).await.filter(|former| Some(former.writes) == writes);
        let users = if let Some(former) = former {
            former.users
        } else {
            let users = uow.count(key).await?;
            match writes {
                Some(writes) if users > EXACT_TOTAL => {
                    self.counted.insert(key.clone(), Counted { users, writes }).await;
                }
                _ => self.counted.invalidate(key).await,
            }
            users
        };
        uow.tx.commit().await.map_err(repository_error)?;
        // Slow ones in good time: it may take longer yet the next time.
        let due_after = LIFE.saturating_sub(AHEAD.max(4 * since.elapsed()));
        Ok(Arc::new(Total { users, since, due_after, renewed: AtomicBool::new(false) }))
    }

    /// One more than [`EXACT_TOTAL`] at most.
    async fn few(&self, (tenant, filter): &Key) -> Result<u64, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let mut query = QueryBuilder::<Postgres>::new("select count(*) from (select from ");
        among(&mut query, *tenant, uow.candidates(filter).await?);
        matching(&mut query, *tenant, filter);
        query.push(" limit ").push_bind(i64::try_from(EXACT_TOTAL + 1).unwrap_or(i64::MAX));
        query.push(") matching");
        let count: i64 = query.build_query_scalar().fetch_one(&mut *uow.tx).await.map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        u64::try_from(count).map_err(|_| damaged("count"))
    }
}

/// Whether each statement that changes whom the filter means leaves a line in `user_search_queue`: those that write only what
/// nobody is searched by leave none.
fn leaves_lines(filter: &UserFilter) -> bool {
    filter.is_active.is_none() && filter.updated_after.is_none() && filter.updated_before.is_none()
}

impl PgUnitOfWork {
    /// How many statements have ever changed who is found by what: the lines that wait, and those that were taken. It is the
    /// same number only while they are the same statements, for none is ever undone.
    async fn writes(&mut self) -> Result<i64, RepositoryError> {
        sqlx::query_scalar!(
            r#"select coalesce((select lines from user_search_taken where tenant_id = $1), 0)
                    + (select count(*) from user_search_queue where tenant_id = $1) as "writes!""#,
            self.tenant,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)
    }

    /// All of them at one moment, in steps.
    async fn count(&mut self, (tenant, filter): &Key) -> Result<u64, RepositoryError> {
        let mut query = QueryBuilder::<Postgres>::new("declare matching no scroll cursor for select from ");
        among(&mut query, *tenant, self.candidates(filter).await?);
        matching(&mut query, *tenant, filter);
        sqlx::raw_sql(TO_THE_END).execute(&mut *self.tx).await.map_err(repository_error)?;
        query.build().persistent(false).execute(&mut *self.tx).await.map_err(repository_error)?;
        // MOVE takes no parameter.
        let on = format!("move {STEP} from matching");
        let mut users = 0;
        loop {
            let moved = sqlx::raw_sql(AssertSqlSafe(on.as_str())).execute(&mut *self.tx).await;
            let step = moved.map_err(repository_error)?.rows_affected();
            users += step;
            if step < STEP {
                return Ok(users);
            }
        }
    }
}
