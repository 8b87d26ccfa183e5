use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use moka::sync::Cache;
use muster_domain::users::{User, UserEvent, UserMaker};
use muster_domain::{RepositoryError, TenantId, UserId};
use opentelemetry::Context;
use opentelemetry::trace::FutureExt as _;
use sqlx::PgPool;
use tokio::sync::{Semaphore, oneshot};

use super::error::repository_error;
use super::insert_users::{Newcomer, insert_users};
use super::pool::usable;
use super::user_writes::touched;
use crate::cache::Invalidate;

/// Statements that a tenant has under way at once. While one waits for the disk, the next is worked out.
const LANES: usize = 2;
/// Most users in one statement.
const MOST: usize = 250;
/// How long a statement waits for a value that an open transaction holds. Whoever is in it then goes on alone.
const PATIENCE: Duration = Duration::from_millis(100);
/// After so much time without a user a tenant's line is forgotten.
const IDLE: Duration = Duration::from_mins(1);

/// Makes users on a pool (ADR 35). Those of one tenant who come while others are being made wait, and are made together: a
/// round trip and a commit for all of them. Who comes alone waits for nobody.
#[derive(Clone)]
pub struct PgUserMaker {
    pool: PgPool,
    caches: Arc<dyn Invalidate>,
    lines: Cache<TenantId, Arc<Line>>,
}

/// The users of one tenant who wait.
struct Line {
    lanes: Semaphore,
    waiting: Mutex<Vec<Waiting>>,
}

struct Waiting {
    newcomer: Newcomer,
    /// Of the request that they came with.
    context: Context,
    told: oneshot::Sender<Result<bool, RepositoryError>>,
}

impl PgUserMaker {
    /// Makes users on this pool; after each statement `caches` hears of it.
    pub fn new(pool: PgPool, caches: Arc<dyn Invalidate>) -> Self {
        Self { pool, caches, lines: Cache::builder().time_to_idle(IDLE).build() }
    }

    /// Makes those who wait, unless others have taken them along meanwhile.
    async fn serve(self, tenant: TenantId, line: Arc<Line>) {
        let Ok(place) = line.lanes.acquire().await else { return };
        let mut waiting = line.take();
        let Some(first) = waiting.first() else { return };
        let context = first.context.clone();
        let done = self.insert(tenant, &waiting, PATIENCE).with_context(context.clone()).await;
        drop(place);
        if let Err(sqlx::Error::Database(_)) = &done {
            // It may be about one of them: the others are not to suffer from it, nor to wait for what that one waits for.
            for one in waiting {
                let context = one.context.clone();
                tokio::spawn(self.clone().alone(tenant, one).with_context(context));
            }
            return;
        }
        if done.is_err() {
            // Who has come since would fare no better.
            waiting.append(&mut line.take());
        }
        self.tell(tenant, waiting, done).with_context(context).await;
    }

    async fn alone(self, tenant: TenantId, one: Waiting) {
        let done = self.insert(tenant, std::slice::from_ref(&one), Duration::ZERO).await;
        self.tell(tenant, vec![one], done).await;
    }

    /// Gives the ids of those who are made.
    async fn insert(
        &self,
        tenant: TenantId,
        waiting: &[Waiting],
        patience: Duration,
    ) -> Result<HashSet<UserId>, sqlx::Error> {
        let newcomers: Vec<_> = waiting.iter().map(|one| &one.newcomer).collect();
        usable(&self.pool, || insert_users(&self.pool, tenant.get(), &newcomers, patience)).await
    }

    /// Tells the caches what was done, and then those who wait.
    async fn tell(&self, tenant: TenantId, waiting: Vec<Waiting>, done: Result<HashSet<UserId>, sqlx::Error>) {
        // Also when it seems to have failed: it may have been done all the same.
        let perhaps = |user: &&User| done.as_ref().ok().is_none_or(|made| made.contains(&user.id));
        let users = waiting.iter().map(|one| &one.newcomer.user).filter(perhaps);
        self.caches.invalidate(users.map(|user| touched(tenant, user, None)).collect()).await;
        let done = done.map_err(Arc::new);
        for Waiting { newcomer, told, .. } in waiting {
            let is_made = done.as_ref().map(|made| made.contains(&newcomer.user.id));
            // Whoever has gone away need not know.
            drop(told.send(is_made.map_err(|error| repository_error(Arc::clone(error)))));
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self { lanes: Semaphore::new(LANES), waiting: Mutex::default() }
    }
}

impl Line {
    fn join(&self, one: Waiting) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }

    /// Those who have waited longest.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() <= MOST {
            return mem::take(&mut waiting);
        }
        waiting.drain(..MOST).collect()
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
        let (told, heard) = oneshot::channel();
        let newcomer = Newcomer { user: user.clone(), event: event.clone(), welcome };
        let line = self.lines.get_with(tenant, Arc::default);
        line.join(Waiting { newcomer, context: Context::current(), told });
        // A task of its own: a client that goes away must not keep the caches from hearing of what was done, nor others from
        // being made.
        tokio::spawn(self.clone().serve(tenant, line));
        heard.await.unwrap_or_else(|lost| Err(RepositoryError::Internal(lost.into())))
    }
}
