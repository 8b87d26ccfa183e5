//! The contract of the repository traits, tested on Postgres: the very suite that the in-memory doubles pass.

use std::sync::Arc;
use std::time::Duration;

use muster_application::ports::UnitOfWorkFactory;
use muster_domain::mails::WelcomeReader;
use muster_domain::operations::OperationReader;
use muster_domain::partners::PartnerReader;
use muster_domain::schedules::ScheduleReader;
use muster_domain::tasks::{ReminderReader, TaskReader};
use muster_domain::users::{SearchIndexReader, UserList, UserMaker, UserReader};
use muster_domain::webhooks::WebhookReader;
use muster_infrastructure::cache::NoCache;
use muster_infrastructure::postgres::{PgReaders, PgUnits, PgUserList, PgUserMaker, PoolOptions, connect_lazily};
use muster_testkit::contract::{World, run_all};
use muster_testkit::database::create_test_database;

struct Postgres {
    units: PgUnits,
    readers: PgReaders,
    list: PgUserList,
    maker: PgUserMaker,
}

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

    fn user_maker(&self) -> &dyn UserMaker {
        &self.maker
    }

    fn user_list(&self) -> &dyn UserList {
        &self.list
    }

    fn search_index(&self) -> &dyn SearchIndexReader {
        &self.readers
    }

    fn welcomes(&self) -> &dyn WelcomeReader {
        &self.readers
    }

    fn webhooks(&self) -> &dyn WebhookReader {
        &self.readers
    }

    fn schedules(&self) -> &dyn ScheduleReader {
        &self.readers
    }

    fn partners(&self) -> &dyn PartnerReader {
        &self.readers
    }

    fn tasks(&self) -> &dyn TaskReader {
        &self.readers
    }

    fn reminders(&self) -> &dyn ReminderReader {
        &self.readers
    }
}

#[tokio::test]
async fn postgres_keeps_the_contract_of_the_repositories() {
    let database = create_test_database().unwrap();
    let options = PoolOptions { max_connections: 5, acquire_timeout: Duration::from_secs(10) };
    let pool = connect_lazily(&database.app_url, options).unwrap();
    let world = Postgres {
        units: PgUnits::new(pool.clone(), Arc::new(NoCache)),
        readers: PgReaders::new(pool.clone()),
        list: PgUserList::new(pool.clone()),
        maker: PgUserMaker::new(pool.clone(), Arc::new(NoCache)),
    };
    run_all(&world).await.unwrap();
    pool.close().await;
}
