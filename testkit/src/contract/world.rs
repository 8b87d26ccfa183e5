use async_trait::async_trait;
use muster_application::ports::UnitOfWorkFactory;
use muster_domain::operations::OperationReader;
use muster_domain::users::UserReader;
use muster_domain::{TenantId, UserId};

/// A storage that is to keep the contract. It may hold other data; each case uses tenants of its own, and at most
/// eight units of work at once.
#[async_trait]
pub trait World: Send + Sync {
    /// Its units of work.
    fn units(&self) -> &dyn UnitOfWorkFactory;
    /// Its reader of operations.
    fn operations(&self) -> &dyn OperationReader;
    /// Its reader of users.
    fn users(&self) -> &dyn UserReader;
    /// Deletes a user by what means it has: in Postgres, sets `deleted_at`.
    async fn delete_user(&self, tenant: TenantId, user: UserId) -> anyhow::Result<()>;
}
