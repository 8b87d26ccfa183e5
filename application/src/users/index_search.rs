use std::time::Duration;

use muster_domain::TenantId;

use crate::{App, AppError, Context};

/// Most tenants looked at in one round; the next one goes on.
const TENANTS: u32 = 100;
/// About so many users are indexed in one transaction: a block.
const STEP: u32 = 10_000;
/// How long no block must have come before blocks are indexed.
const REST: Duration = Duration::from_secs(3);

impl App {
    /// Brings the index of searches up to date, a step in each tenant with users who wait; gives how many that were. Safe
    /// to repeat and to run in any number of processes at once.
    ///
    /// # Errors
    /// `Unavailable` when storage is down; nothing is lost then.
    pub async fn index_users(&self) -> Result<u64, AppError> {
        let mut indexed = 0;
        let mut first_error = None;
        for tenant in self.ports.search_index.unindexed(TENANTS).await? {
            match self.index_users_of(tenant).await {
                Ok(users) => indexed += users,
                // One that cannot be helped must not keep help from the others.
                Err(error) => _ = first_error.get_or_insert(error),
            }
        }
        first_error.map_or(Ok(indexed), Err)
    }

    async fn index_users_of(&self, tenant: TenantId) -> Result<u64, AppError> {
        let mut uow = self.begin(&Context::new(tenant)).await?;
        let indexed = uow.search_index().index(STEP, REST).await?;
        uow.commit().await?;
        Ok(indexed)
    }
}
