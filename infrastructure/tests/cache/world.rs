//! Processes in front of one database, with a Redis of the test's own or without.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use muster_domain::users::{User, UserReader};
use muster_infrastructure::cache::{Cache, CacheOptions, CachedUsers, Invalidate, Touched};
use muster_infrastructure::redis::Redis;
use muster_testkit::account::remove_home;
use muster_testkit::redis::Redis as Server;
use muster_testkit::{provision, tools::random_hex};
use tokio::task::JoinHandle;

use crate::truth::{MemoryEpochs, TENANT, Truth, id};

pub const TTL: Duration = Duration::from_mins(5);
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all processes share.
pub struct World {
    pub truth: Arc<Truth>,
    pub epochs: MemoryEpochs,
    pub server: Option<Server>,
    home: PathBuf,
}

impl World {
    pub fn without_redis() -> Self {
        Self { truth: Arc::default(), epochs: MemoryEpochs::default(), server: None, home: PathBuf::new() }
    }

    pub fn with_redis() -> anyhow::Result<Self> {
        let home = provision::dev_dir()?.join(format!("test-services/cache-{}", random_hex(6)?));
        fs::create_dir_all(&home)?;
        let mut world = Self::without_redis();
        world.server = Some(Server::start(&home)?);
        world.home = home;
        Ok(world)
    }

    pub fn redis_url(&self) -> Option<String> {
        self.server.as_ref().map(Server::url)
    }

    /// A process; it uses Redis, if there is one.
    pub async fn process(&self) -> anyhow::Result<Process> {
        let process = self.process_at(self.redis_url().as_deref())?;
        if self.server.is_some() {
            process.is_shared(true).await;
        }
        Ok(process)
    }

    /// A process with a Redis of its own, which may not be there.
    pub fn process_at(&self, redis_url: Option<&str>) -> anyhow::Result<Process> {
        let redis = redis_url.map(Redis::new).transpose()?;
        let cache = Cache::new(&CacheOptions { redis, ttl: TTL }, Arc::new(self.epochs.clone()))?;
        let users = CachedUsers::new(self.truth.clone(), cache.clone(), TTL);
        let running = tokio::spawn(cache.clone().run());
        Ok(Process { cache, users: Arc::new(users), running })
    }

    /// Asks Redis, as one that is none of us.
    pub async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> anyhow::Result<T> {
        let client = redis::Client::open(self.redis_url().unwrap_or_default())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        Ok(command.query_async(&mut connection).await?)
    }

    /// The names of all entities in Redis.
    pub async fn names(&self) -> anyhow::Result<Vec<String>> {
        self.ask(redis::cmd("KEYS").arg("muster:*:user:*")).await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.resume();
            drop(server);
            let _ = remove_home(&self.home);
        }
    }
}

/// One process. Ends without a word when it is dropped.
pub struct Process {
    pub cache: Cache,
    pub users: Arc<CachedUsers>,
    running: JoinHandle<()>,
}

impl Process {
    /// Looks a user up; the cache must have no errors of its own.
    pub async fn find(&self, n: u128) -> anyhow::Result<Option<User>> {
        Ok(self.users.find(TENANT, id(n)).await?)
    }

    /// The name a user has.
    pub async fn name(&self, n: u128) -> anyhow::Result<String> {
        let name = self.find(n).await?.and_then(|user| user.full_name);
        Ok(name.map(|name| name.as_str().to_owned()).unwrap_or_default())
    }

    pub async fn tell(&self, touched: Touched) {
        self.cache.invalidate(vec![touched]).await;
    }

    /// Goes on, but for the part in the background.
    pub fn stop_looking(&self) {
        self.running.abort();
    }

    pub async fn is_shared(&self, shared: bool) {
        until("the cache to be shared or not", async || Ok(self.cache.is_shared() == shared)).await;
    }

    /// How long it takes until this process reads this name.
    pub async fn reads(&self, n: u128, name: &str) -> Duration {
        let began = Instant::now();
        until("the name to be read", async || Ok(self.name(n).await? == name)).await;
        began.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Waits until something is so.
pub async fn until(what: &str, is_so: impl AsyncFn() -> anyhow::Result<bool>) {
    let began = Instant::now();
    loop {
        match is_so().await {
            Ok(true) => return,
            outcome => assert!(began.elapsed() < PATIENCE, "waited in vain for {what}: {outcome:?}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
