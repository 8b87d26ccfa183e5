use muster_application::ports::UnitOfWorkFactory;
use muster_domain::mails::WelcomeReader;
use muster_domain::operations::OperationReader;
use muster_domain::partners::PartnerReader;
use muster_domain::schedules::ScheduleReader;
use muster_domain::tasks::{ReminderReader, TaskReader};
use muster_domain::users::{SearchIndexReader, UserList, UserMaker, UserReader};
use muster_domain::webhooks::WebhookReader;

use super::World;
use crate::memory::MemoryStore;

impl World for MemoryStore {
    fn units(&self) -> &dyn UnitOfWorkFactory {
        self
    }

    fn operations(&self) -> &dyn OperationReader {
        self
    }

    fn users(&self) -> &dyn UserReader {
        self
    }

    fn user_maker(&self) -> &dyn UserMaker {
        self
    }

    fn user_list(&self) -> &dyn UserList {
        self
    }

    fn search_index(&self) -> &dyn SearchIndexReader {
        self
    }

    fn welcomes(&self) -> &dyn WelcomeReader {
        self
    }

    fn webhooks(&self) -> &dyn WebhookReader {
        self
    }

    fn schedules(&self) -> &dyn ScheduleReader {
        self
    }

    fn partners(&self) -> &dyn PartnerReader {
        self
    }

    fn tasks(&self) -> &dyn TaskReader {
        self
    }

    fn reminders(&self) -> &dyn ReminderReader {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{rate_limits, run_all};
    use crate::memory::{MemoryClock, MemoryLimiter};

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        run_all(&MemoryStore::default()).await.unwrap();
        rate_limits(&MemoryLimiter::new(MemoryClock::default())).await.unwrap();
    }
}
