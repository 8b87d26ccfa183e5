use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use muster_domain::users::{SearchIndexReader, SearchIndexRepository};
use muster_domain::{RepositoryError, TenantId};

use super::{MemoryStore, MemoryUnit};

/// Searches look at every user, so there is nothing to index: it is only noted who waits.
#[async_trait]
impl SearchIndexRepository for MemoryUnit {
    async fn index(&mut self, at_most: u32, _: Duration) -> Result<u64, RepositoryError> {
        self.statement(|draft| {
            let waiting = Arc::make_mut(&mut draft.unindexed);
            let mut indexed = 0;
            while indexed < u64::from(at_most) && waiting.pop_first().is_some() {
                indexed += 1;
            }
            Ok(indexed)
        })
    }
}

#[async_trait]
impl SearchIndexReader for MemoryStore {
    async fn unindexed(&self, limit: u32) -> Result<Vec<TenantId>, RepositoryError> {
        self.fault().call()?;
        let waiting = self.tenants().into_iter().filter(|(_, state)| !state.unindexed.is_empty());
        Ok(waiting.map(|(tenant, _)| tenant).take(usize::try_from(limit).unwrap_or(usize::MAX)).collect())
    }
}
