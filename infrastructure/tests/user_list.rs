//! Lists of users where Postgres answers otherwise than memory: the total that is remembered, and the tenant that a page
//! leaves behind.

use std::time::{Duration, Instant};

use anyhow::Result;
use muster_domain::TenantId;
use muster_domain::users::{PageStart, UserFilter, UserList};
use muster_infrastructure::postgres::{PgUserList, PoolOptions, connect_lazily};
use muster_testkit::database::{TestDatabase, create_test_database};
use sqlx::PgPool;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_total_is_counted_anew_beside_those_who_ask() {
    let database = create_test_database().unwrap();
    add(&database, 1, 12_000).unwrap();
    let pool = pool(&database, 4).unwrap();
    let list = PgUserList::new(pool.clone());
    let ask = async || list.total(tenant(), &UserFilter::living()).await.unwrap();
    assert_eq!(ask().await, 12_000);
    add(&database, 12_001, 12_007).unwrap();
    assert_eq!(ask().await, 12_000, "it was counted again at once");

    // Whoever counts waits for this lock, and who asks does not.
    let owner = PgPool::connect(&database.admin_url).await.unwrap();
    let mut lock = owner.begin().await.unwrap();
    sqlx::query("lock table users").execute(&mut *lock).await.unwrap();
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
    while ask().await != 12_007 {
        assert!(begin.elapsed() < OLDEST, "the total stays old");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    owner.close().await;
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
