//! Connections that were cut off while they were idle cost no request its answer, and those that are kept keep nobody waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_application::Context;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::users::{PageStart, User, UserFilter, UserList};
use muster_domain::{RepositoryError, TenantId};
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgUnits, PgUserList, PoolOptions, connect_lazily, ping};
use muster_testkit::database::create_test_database;
use sqlx::PgPool;

const CONNECTIONS: u32 = 4;
const CUT: &str = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity \
                   where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";

#[tokio::test]
async fn who_comes_after_the_server_has_cut_connections_does_not_notice() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: CONNECTIONS, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let units = PgUnits::new(pool.clone(), Arc::new(NoCache));
    let context = Context::new(TenantId::new(uuid::Uuid::from_u128(7)));
    let list = PgUserList::new(pool.clone());
    for way in 0..3 {
        // All of them, idle.
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(pool.acquire().await.unwrap());
        }
        drop(held);
        assert_eq!(database.psql(CUT).unwrap(), CONNECTIONS.to_string());
        match way {
            0 => ping(&pool).await.unwrap(),
            1 => units.begin(&context).await.unwrap().commit().await.unwrap(),
            _ => assert!(page(&list).await.unwrap().is_empty()),
        }
    }
    pool.close().await;
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_page_and_soon_given_back() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: CONNECTIONS, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let list = PgUserList::new(pool.clone());
    for _ in 0..10 {
        page(&list).await.unwrap();
        assert_eq!((pool.size(), pool.num_idle()), (1, 0), "it has gone back");
    }
    assert!(all_idle(&pool, 1).await);
    // However many pages are asked for, it goes back at times, and another one is taken meanwhile.
    let begin = Instant::now();
    while pool.size() == 1 {
        page(&list).await.unwrap();
        assert!(begin.elapsed() < Duration::from_secs(10), "it never goes back");
    }
    // Where others need them all, none is kept.
    let mut held = Vec::new();
    for _ in 1..CONNECTIONS {
        held.push(pool.acquire().await.unwrap());
    }
    page(&list).await.unwrap();
    held.push(tokio::time::timeout(Duration::from_secs(5), pool.acquire()).await.unwrap().unwrap());
    drop(held);
    assert!(all_idle(&pool, 4).await);
    // Cut off while it is kept.
    page(&list).await.unwrap();
    assert_eq!(pool.num_idle(), 3);
    database.psql(CUT).unwrap();
    page(&list).await.unwrap();
    pool.close().await;
}

/// Whether so many come back to the pool in time.
async fn all_idle(pool: &PgPool, connections: usize) -> bool {
    let idle = async {
        while pool.num_idle() < connections {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), idle).await.is_ok()
}

async fn page(list: &PgUserList) -> Result<Vec<User>, RepositoryError> {
    let tenant = TenantId::new(uuid::Uuid::from_u128(7));
    list.page(tenant, &UserFilter::living(), PageStart::Offset(0), 20).await
}
