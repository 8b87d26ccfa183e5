//! Connections that were cut off while they were idle cost no request its answer.

use std::sync::Arc;
use std::time::Duration;

use muster_application::Context;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::TenantId;
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgUnits, PoolOptions, connect_lazily, ping};
use muster_testkit::database::create_test_database;

const CONNECTIONS: u32 = 4;

#[tokio::test]
async fn who_comes_after_the_server_has_cut_connections_does_not_notice() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: CONNECTIONS, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let units = PgUnits::new(pool.clone(), Arc::new(NoCache));
    let context = Context::new(TenantId::new(uuid::Uuid::from_u128(7)));
    for asks_health in [true, false] {
        // All of them, idle.
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(pool.acquire().await.unwrap());
        }
        drop(held);
        let cut = "select count(pg_terminate_backend(pid, 10000)) from pg_stat_activity \
                   where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()";
        assert_eq!(database.psql(cut).unwrap(), CONNECTIONS.to_string());
        if asks_health {
            ping(&pool).await.unwrap();
        } else {
            units.begin(&context).await.unwrap().commit().await.unwrap();
        }
    }
    pool.close().await;
}
