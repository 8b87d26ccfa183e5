use std::sync::Arc;

use async_trait::async_trait;
use muster_domain::users::{User, UserEvent, UserMaker};
use muster_domain::{RepositoryError, TenantId};
use opentelemetry::trace::FutureExt;
use sqlx::PgPool;

use super::error::repository_error;
use super::pool::usable;
use super::user_writes::{insert_user, touched};
use crate::cache::Invalidate;

/// Makes users on a pool, each with one statement that is a transaction of its own: a round trip where a unit of work has
/// three.
#[derive(Clone)]
pub struct PgUserMaker {
    pool: PgPool,
    caches: Arc<dyn Invalidate>,
}

impl PgUserMaker {
    /// Makes users on this pool; after each one `caches` hears of it.
    pub fn new(pool: PgPool, caches: Arc<dyn Invalidate>) -> Self {
        Self { pool, caches }
    }
}

#[async_trait]
impl UserMaker for PgUserMaker {
    async fn make(
        &self,
        tenant: TenantId,
        user: &User,
        event: &UserEvent,
        welcome: bool,
    ) -> Result<bool, RepositoryError> {
        let (Self { pool, caches }, user, event) = (self.clone(), user.clone(), event.clone());
        // A task of its own: a client that goes away must not keep the caches from hearing of what was done.
        let done = async move {
            let made = usable(&pool, || insert_user(&pool, tenant.get(), &user, &event, welcome)).await;
            if !matches!(made, Ok(false)) {
                // Also when it seems to have failed: it may have been done all the same.
                caches.invalidate(vec![touched(tenant, &user, None)]).await;
            }
            made.map_err(repository_error)
        };
        let done = tokio::spawn(done.with_current_context());
        done.await.unwrap_or_else(|lost| Err(RepositoryError::Internal(lost.into())))
    }
}
