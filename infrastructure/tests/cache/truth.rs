//! What the cache stands in front of: users in memory that may be slow or fail, and epochs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::DateTime;
use muster_domain::users::{EmailAddress, FullName, User, UserReader, Username};
use muster_domain::{RepositoryError, TenantId, UserId};
use muster_infrastructure::cache::{Epochs, Touched};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

pub const TENANT: TenantId = TenantId::new(Uuid::from_u128(0x7e));

pub fn id(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

pub fn email(n: u128) -> String {
    format!("user{n}@example.com")
}

pub fn username(n: u128) -> String {
    format!("user{n}")
}

/// A user as they are when they have just been made.
pub fn user(n: u128) -> User {
    User {
        id: id(n),
        email: EmailAddress::from_stored(email(n)),
        username: Username::from_stored(username(n)),
        full_name: None,
        is_active: true,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

/// The database.
#[derive(Debug)]
pub struct Truth {
    users: Mutex<HashMap<(TenantId, UserId), User>>,
    loads: watch::Sender<usize>,
    fails: AtomicBool,
    slow: AtomicBool,
    gate: Semaphore,
}

impl Default for Truth {
    fn default() -> Self {
        Self {
            users: Mutex::default(),
            loads: watch::Sender::new(0),
            fails: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            gate: Semaphore::new(0),
        }
    }
}

impl Truth {
    fn users(&self) -> MutexGuard<'_, HashMap<(TenantId, UserId), User>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a user; gives what a unit of work would say of it.
    pub fn make(&self, tenant: TenantId, user: User) -> Touched {
        let touched = touched(tenant, &[&user]);
        self.users().insert((tenant, user.id), user);
        touched
    }

    /// Changes a user; gives what a unit of work would say of it.
    pub fn change(&self, n: u128, change: impl FnOnce(&mut User)) -> Touched {
        let mut users = self.users();
        let before = users.get(&(TENANT, id(n))).cloned().unwrap_or_else(|| user(n));
        let mut after = before.clone();
        change(&mut after);
        after.version += 1;
        let touched = touched(TENANT, &[&before, &after]);
        users.insert((TENANT, after.id), after);
        touched
    }

    pub fn rename(&self, n: u128, name: &str) -> Touched {
        self.change(n, |user| user.full_name = Some(FullName::from_stored(name.to_owned())))
    }

    /// Removes a user; gives what a unit of work would say of it.
    pub fn remove(&self, n: u128) -> Touched {
        let gone = self.users().remove(&(TENANT, id(n))).unwrap_or_else(|| user(n));
        touched(TENANT, &[&gone])
    }

    pub fn loads(&self) -> usize {
        *self.loads.borrow()
    }

    /// Waits until so many loads have begun.
    pub async fn loads_are(&self, count: usize) {
        let mut loads = self.loads.subscribe();
        // The sender is ours, so it is there.
        let _ = loads.wait_for(|loads| *loads >= count).await;
    }

    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    /// From now on a load has its answer, but gives it only when it is let through.
    pub fn hold(&self) {
        self.slow.store(true, Ordering::SeqCst);
    }

    /// Lets everybody through who waits, and whoever comes.
    pub fn let_through(&self) {
        self.slow.store(false, Ordering::SeqCst);
        self.gate.add_permits(1000);
    }

    async fn load(&self, tenant: TenantId, which: impl Fn(&User) -> bool) -> Result<Option<User>, RepositoryError> {
        let found =
            self.users().iter().find(|((of, _), user)| *of == tenant && which(user)).map(|(_, user)| user.clone());
        let (fails, slow) = (self.fails.load(Ordering::SeqCst), self.slow.load(Ordering::SeqCst));
        self.loads.send_modify(|loads| *loads += 1);
        if slow && let Ok(permit) = self.gate.acquire().await {
            permit.forget();
        }
        if fails { Err(RepositoryError::Unavailable("the database is down".into())) } else { Ok(found) }
    }
}

#[async_trait]
impl UserReader for Truth {
    async fn find(&self, tenant: TenantId, id: UserId) -> Result<Option<User>, RepositoryError> {
        self.load(tenant, |user| user.id == id).await
    }

    async fn find_by_email(&self, tenant: TenantId, email: &str) -> Result<Option<User>, RepositoryError> {
        self.load(tenant, |user| user.email.as_str() == email).await
    }

    async fn find_by_username(&self, tenant: TenantId, username: &str) -> Result<Option<User>, RepositoryError> {
        self.load(tenant, |user| user.username.folded() == username).await
    }
}

fn touched(tenant: TenantId, versions: &[&User]) -> Touched {
    Touched::User {
        tenant,
        id: versions.first().map_or_else(|| id(0), |user| user.id),
        emails: versions.iter().map(|user| user.email.as_str().to_owned()).collect(),
        usernames: versions.iter().map(|user| user.username.folded()).collect(),
    }
}

/// Epochs that may be out of reach.
#[derive(Debug, Default, Clone)]
pub struct MemoryEpochs {
    epoch: Arc<AtomicI64>,
    begun: Arc<AtomicUsize>,
    fail: Arc<AtomicBool>,
}

impl MemoryEpochs {
    /// How many were begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    pub fn fail(&self, fails: bool) {
        self.fail.store(fails, Ordering::SeqCst);
    }

    fn answer(&self, epoch: i64) -> Result<i64, sqlx::Error> {
        if self.fail.load(Ordering::SeqCst) { Err(sqlx::Error::PoolTimedOut) } else { Ok(epoch) }
    }
}

#[async_trait]
impl Epochs for MemoryEpochs {
    async fn current(&self) -> Result<i64, sqlx::Error> {
        self.answer(self.epoch.load(Ordering::SeqCst))
    }

    async fn advance(&self) -> Result<i64, sqlx::Error> {
        self.answer(0)?;
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.answer(self.epoch.fetch_add(1, Ordering::SeqCst) + 1)
    }
}
