//! The contract of the repository traits, tested on Postgres: the very suite that the in-memory doubles pass.

use std::time::Duration;

use muster_application::ports::UnitOfWorkFactory;
use muster_domain::operations::OperationReader;
use muster_domain::users::UserReader;
use muster_domain::{TenantId, UserId};
use muster_infrastructure::postgres::{PgReaders, PgUnits, PoolOptions, connect_lazily};
use muster_testkit::contract::{World, run_all};
use muster_testkit::database::{TestDatabase, create_test_database};

struct Postgres {
    database: TestDatabase,
    units: PgUnits,
    readers: PgReaders,
}

#[async_trait::async_trait]
impl World for Postgres {
    fn units(&self) -> &dyn UnitOfWorkFactory {
        &self.units
    }

    fn operations(&self) -> &dyn OperationReader {
        &self.readers
    }

    fn users(&self) -> &dyn UserReader {
        &self.readers
    }

    async fn delete_user(&self, tenant: TenantId, user: UserId) -> anyhow::Result<()> {
        let delete = format!("update users set deleted_at = now() where tenant_id = '{tenant}' and id = '{user}'");
        self.database.psql(&delete).map(drop)
    }
}

#[tokio::test]
async fn postgres_keeps_the_contract_of_the_repositories() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: 5, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let world = Postgres { database, units: PgUnits::new(pool.clone()), readers: PgReaders::new(pool.clone()) };
    run_all(&world).await.unwrap();
    pool.close().await;
}
