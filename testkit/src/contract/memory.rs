use async_trait::async_trait;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::operations::OperationReader;
use muster_domain::users::UserReader;
use muster_domain::{TenantId, UserId};

use super::World;
use crate::memory::MemoryStore;

#[async_trait]
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

    async fn delete_user(&self, tenant: TenantId, user: UserId) -> anyhow::Result<()> {
        Self::delete_user(self, tenant, user).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::run_all;

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        run_all(&MemoryStore::default()).await.unwrap();
    }
}
