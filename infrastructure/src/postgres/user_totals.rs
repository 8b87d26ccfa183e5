use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use muster_domain::users::{EXACT_TOTAL, UserFilter};
use muster_domain::{RepositoryError, TenantId};
use sqlx::{AssertSqlSafe, PgPool, Postgres, QueryBuilder};

use super::error::{damaged, repository_error};
use super::unit_of_work::begin;
use super::user_list::{among, matching};

/// How long after counting began a total above [`EXACT_TOTAL`] is believed: less than the five seconds that are promised, for
/// an answer takes time as well.
const LIFE: Duration = Duration::from_millis(4_500);
/// So much before its end at least, a total that is asked for is counted anew beside the answer, so that nobody who keeps
/// asking ever waits for it. Not sooner than need be: whoever counts keeps a core from everybody else.
const AHEAD: Duration = Duration::from_secs(1);
/// Rows that are counted in one step, in less than half a millisecond: who counts a million in one go keeps a core from everybody
/// who asks for a page meanwhile, for as long as the scheduler lets it.
const STEP: u64 = 4_000;
/// How the rows are to be found: not so that the first ones are there soon.
const TO_THE_END: &str = "set local cursor_tuple_fraction = 1";
/// Totals that are remembered: a tenant and a filter each.
const TOTALS: u64 = 10_000;

type Key = (TenantId, UserFilter);

/// How many users there are: counted each time up to [`EXACT_TOTAL`], and remembered for a while above.
#[derive(Debug, Clone)]
pub(super) struct PgUserTotals {
    pool: PgPool,
    remembered: Cache<Key, Arc<Total>>,
}

#[derive(Debug)]
struct Total {
    users: u64,
    counted_at: Instant,
    /// From this age on it is to be counted anew.
    due_after: Duration,
    /// Whether somebody counts anew already.
    recounted: AtomicBool,
}

/// Each total lives for [`LIFE`] from when counting began, however long that took.
struct FromTheCount;

impl Expiry<Key, Arc<Total>> for FromTheCount {
    fn expire_after_create(&self, _: &Key, total: &Arc<Total>, _: Instant) -> Option<Duration> {
        Some(LIFE.saturating_sub(total.counted_at.elapsed()))
    }

    fn expire_after_update(&self, key: &Key, total: &Arc<Total>, at: Instant, _: Option<Duration>) -> Option<Duration> {
        self.expire_after_create(key, total, at)
    }
}

impl PgUserTotals {
    pub(super) fn new(pool: PgPool) -> Self {
        let remembered = Cache::builder().max_capacity(TOTALS).expire_after(FromTheCount).build();
        Self { pool, remembered }
    }

    pub(super) async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError> {
        let key = (tenant, filter.clone());
        if let Some(total) = self.remembered.get(&key).await {
            if total.counted_at.elapsed() >= total.due_after && !total.recounted.swap(true, Ordering::Relaxed) {
                tokio::spawn(self.clone().recount(key, Arc::clone(&total)));
            }
            return Ok(total.users);
        }
        let exact = self.few(&key).await?;
        if exact <= EXACT_TOTAL {
            return Ok(exact);
        }
        // However many ask at once, it is counted once.
        let counted = self.remembered.try_get_with_by_ref(&key, self.counted(&key)).await;
        counted.map(|total| total.users).map_err(|error| RepositoryError::Unavailable(error.to_string().into()))
    }

    async fn recount(self, key: Key, former: Arc<Total>) {
        match self.counted(&key).await {
            Ok(total) if total.users > EXACT_TOTAL => self.remembered.insert(key, total).await,
            Ok(_) => self.remembered.invalidate(&key).await,
            // The next who asks tries again, and when nobody succeeds, the former total is soon too old.
            Err(_) => former.recounted.store(false, Ordering::Relaxed),
        }
    }

    async fn counted(&self, key: &Key) -> Result<Arc<Total>, RepositoryError> {
        let counted_at = Instant::now();
        let users = self.all(key).await?;
        // Slow ones in good time: it may take longer yet the next time.
        let due_after = LIFE.saturating_sub(AHEAD.max(4 * counted_at.elapsed()));
        Ok(Arc::new(Total { users, counted_at, due_after, recounted: AtomicBool::new(false) }))
    }

    /// All of them at one moment, in steps.
    async fn all(&self, (tenant, filter): &Key) -> Result<u64, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let mut query = QueryBuilder::<Postgres>::new("declare matching no scroll cursor for select from ");
        among(&mut query, *tenant, uow.candidates(filter).await?);
        matching(&mut query, *tenant, filter);
        sqlx::raw_sql(TO_THE_END).execute(&mut *uow.tx).await.map_err(repository_error)?;
        query.build().persistent(false).execute(&mut *uow.tx).await.map_err(repository_error)?;
        // MOVE takes no parameter.
        let on = format!("move {STEP} from matching");
        let mut users = 0;
        loop {
            let step = sqlx::raw_sql(AssertSqlSafe(on.as_str()))
                .execute(&mut *uow.tx)
                .await
                .map_err(repository_error)?
                .rows_affected();
            users += step;
            if step < STEP {
                break;
            }
        }
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(users)
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
