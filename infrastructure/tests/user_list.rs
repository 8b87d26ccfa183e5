//! Lists of users where Postgres answers otherwise than memory: the total that is remembered, and the tenant that a page
//! leaves behind.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use muster_application::Context;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::users::{EXACT_TOTAL, PageStart, UserFilter, UserList};
use muster_domain::{RepositoryError, TenantId};
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgUnits, PgUserList, PoolOptions, connect_lazily};
use muster_testkit::database::{TestDatabase, create_test_database};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

const TENANT: u128 = 7;
/// What is promised of a total above 10 000.
const OLDEST: Duration = Duration::from_secs(5);
/// Counting ten thousand takes about as many milliseconds.
const AT_ONCE: Duration = Duration::from_secs(1);

fn tenant() -> TenantId {
    TenantId::new(Uuid::from_u128(TENANT))
}

fn add(database: &TestDatabase, from: u32, to: u32) -> Result<()> {
    let tenant = tenant();
    let insert = format!(
        "insert into users (tenant_id, id, email, username, created_at, updated_at) \
         select '{tenant}', gen_random_uuid(), n || '@x.com', 'user' || n, now(), now() from generate_series({from}, {to}) n"
    );
    database.psql(&insert).map(drop)
}

fn pool(database: &TestDatabase, max_connections: u32) -> Result<PgPool> {
    let options = PoolOptions { max_connections, acquire_timeout: Duration::from_secs(10) };
    Ok(connect_lazily(&database.app_url, options)?)
}

/// Whoever counts waits until it is rolled back.
async fn lock_users(owner: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut lock = owner.begin().await?;
    sqlx::query("lock table users").execute(&mut *lock).await?;
    Ok(lock)
}

/// Whether whoever keeps asking is told of so many before `end`.
async fn is_told_by(end: Instant, list: &PgUserList, filter: &UserFilter, users: u64) -> Result<bool, RepositoryError> {
    while list.total(tenant(), filter).await? != users {
        if Instant::now() >= end {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_total_is_counted_anew_beside_those_who_ask() {
    let database = create_test_database().unwrap();
    add(&database, 1, 12_000).unwrap();
    let pool = pool(&database, 4).unwrap();
    let list = PgUserList::new(pool.clone());
    let living = UserFilter::living();
    let ask = async || list.total(tenant(), &living).await.unwrap();
    assert_eq!(ask().await, 12_000);
    add(&database, 12_001, 12_007).unwrap();
    assert_eq!(ask().await, 12_000, "it was counted again at once");

    // Who asks does not wait for who counts.
    let owner = PgPool::connect(&database.admin_url).await.unwrap();
    let lock = lock_users(&owner).await.unwrap();
    let waiting =
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    let begin = Instant::now();
    while database.psql(waiting).unwrap() == "0" {
        assert!(begin.elapsed() < OLDEST, "nobody counts");
        let asked = Instant::now();
        assert_eq!(ask().await, 12_000);
        assert!(asked.elapsed() < AT_ONCE, "who asked waited {:?}", asked.elapsed());
    }
    assert_eq!(ask().await, 12_000);
    assert_eq!(database.psql(waiting).unwrap(), "1", "more than one counts");
    lock.rollback().await.unwrap();
    assert!(is_told_by(begin + OLDEST, &list, &living, 12_007).await.unwrap(), "the total stays old");
    owner.close().await;
    pool.close().await;
}

/// What was counted stays true while nobody writes, and nobody counts again to find that out, nor after the indexer has taken
/// what was written.
#[tokio::test]
async fn a_large_total_is_counted_once_while_nothing_is_written() {
    let database = create_test_database().unwrap();
    add(&database, 1, 12_000).unwrap();
    let pool = pool(&database, 4).unwrap();
    let list = PgUserList::new(pool.clone());
    let living = UserFilter::living();
    let ask = async || list.total(tenant(), &living).await.unwrap();
    assert_eq!(ask().await, 12_000);
    let units = PgUnits::new(pool.clone(), Arc::new(NoCache));
    let mut uow = units.begin(&Context::new(tenant())).await.unwrap();
    assert_eq!(uow.search_index().index(20_000, Duration::ZERO).await.unwrap(), 12_000);
    uow.commit().await.unwrap();
    assert_eq!(database.psql("select count(*) from user_search_queue").unwrap(), "0");

    let owner = PgPool::connect(&database.admin_url).await.unwrap();
    let lock = lock_users(&owner).await.unwrap();
    // While it is asked for all the time, and after nobody has asked for longer than it is believed.
    let begin = Instant::now();
    while begin.elapsed() < OLDEST {
        assert_eq!(ask().await, 12_000);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(OLDEST).await;
    assert_eq!(tokio::time::timeout(AT_ONCE, ask()).await.unwrap(), 12_000);
    lock.rollback().await.unwrap();

    // As many lines wait as were there when it was counted: it is not mistaken for nothing.
    add(&database, 12_001, 12_001).unwrap();
    let begin = Instant::now();
    assert!(is_told_by(begin + OLDEST, &list, &living, 12_001).await.unwrap(), "the total stays old");
    // Few are counted each time.
    database.psql("delete from users where username_key > 'user2'").unwrap();
    let few: u64 = database.psql("select count(*) from users").unwrap().parse().unwrap();
    assert!((1..EXACT_TOTAL).contains(&few));
    assert!(is_told_by(begin + 2 * OLDEST, &list, &living, few).await.unwrap(), "the total stays old");
    add(&database, 12_002, 12_002).unwrap();
    assert_eq!(ask().await, few + 1);
    owner.close().await;
    pool.close().await;
}

#[tokio::test]
async fn a_large_total_of_those_who_may_act_does_not_stay_old() {
    let database = create_test_database().unwrap();
    add(&database, 1, 12_000).unwrap();
    let pool = pool(&database, 4).unwrap();
    let list = PgUserList::new(pool.clone());
    let active = UserFilter { is_active: Some(true), ..UserFilter::living() };
    assert_eq!(list.total(tenant(), &active).await.unwrap(), 12_000);
    // Nobody is searched by this, so it leaves no line for the index.
    database.psql("update users set is_active = false where username_key = 'user7'").unwrap();
    assert!(is_told_by(Instant::now() + OLDEST, &list, &active, 11_999).await.unwrap(), "the total stays old");
    pool.close().await;
}

#[tokio::test]
async fn a_page_leaves_no_tenant_behind() {
    let database = create_test_database().unwrap();
    add(&database, 1, 3).unwrap();
    let pool = pool(&database, 1).unwrap();
    let list = PgUserList::new(pool.clone());
    let page = list.page(tenant(), &UserFilter::living(), PageStart::Offset(1), 20).await.unwrap();
    assert_eq!(page.len(), 2);
    // The same connection, and nobody's users.
    let seen: i64 = sqlx::query_scalar("select count(*) from users").fetch_one(&pool).await.unwrap();
    assert_eq!(seen, 0);
    pool.close().await;
}
