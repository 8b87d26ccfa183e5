use std::time::Duration;

use async_trait::async_trait;

use crate::{RepositoryError, TenantId};

/// The index that searches by parts of texts use, within one unit of work, and so within one tenant.
///
/// It is brought up to date behind the writes. A search finds users who are not in it yet as well, and finds nobody by
/// what they are no longer called: the index decides how quick a search is, never what it finds.
#[async_trait]
pub trait SearchIndexRepository: Send {
    /// Brings the index up to date with the writes that wait, the oldest first, up to about `at_most` users; gives how
    /// many users that were. Those of whole blocks wait until no other block came for `rest`, so that an import does not
    /// share the machine with its index, but at most a minute. Gives 0 when another unit of work does the same right now.
    async fn index(&mut self, at_most: u32, rest: Duration) -> Result<u64, RepositoryError>;
}

/// Looks for users who wait to be indexed, outside a unit of work.
#[async_trait]
pub trait SearchIndexReader: Send + Sync {
    /// Tenants with users who wait, at most `limit`: ids only, because this is read across tenants.
    async fn unindexed(&self, limit: u32) -> Result<Vec<TenantId>, RepositoryError>;
}
