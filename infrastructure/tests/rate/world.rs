use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use muster_application::ports::{Budget, Caller, RateLimiter, Verdict};
use muster_domain::TenantId;
use muster_infrastructure::rate::Limiter;
use muster_infrastructure::redis::Redis;
use muster_testkit::account::remove_home;
use muster_testkit::redis::Redis as Server;
use muster_testkit::{provision, tools::random_hex};
use tokio::task::JoinHandle;
use uuid::Uuid;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Redis that processes share.
pub struct World {
    pub server: Server,
    home: PathBuf,
}

impl World {
    pub fn new() -> anyhow::Result<Self> {
        let home = provision::dev_dir()?.join(format!("test-services/rate-{}", random_hex(6)?));
        fs::create_dir_all(&home)?;
        Ok(Self { server: Server::start(&home)?, home })
    }

    /// A process that counts in Redis.
    pub async fn process(&self) -> anyhow::Result<Process> {
        let limiter = Limiter::new(Some(&Redis::new(&self.server.url())?));
        let running = tokio::spawn(limiter.clone().run());
        let process = Process { limiter, running };
        process.is_shared(true).await;
        Ok(process)
    }

    /// Asks Redis, as one that is none of us.
    pub async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> anyhow::Result<T> {
        let client = redis::Client::open(self.server.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        Ok(command.query_async(&mut connection).await?)
    }

    /// The name of the only budget that was touched.
    pub async fn name(&self) -> anyhow::Result<String> {
        let names: Vec<String> = self.ask(redis::cmd("KEYS").arg("muster:rate:v1:*")).await?;
        let mut names = names.into_iter().filter(|name| !name.ends_with(":trial"));
        match (names.next(), names.next()) {
            (Some(name), None) => Ok(name),
            (first, second) => anyhow::bail!("not one budget: {first:?}, {second:?}"),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.resume();
        let _ = self.server.stop();
        let _ = remove_home(&self.home);
    }
}

/// One process.
pub struct Process {
    pub limiter: Limiter,
    running: JoinHandle<()>,
}

impl Process {
    pub async fn count(&self, who: &Caller, budget: Budget) -> Verdict {
        self.limiter.count(who, budget).await
    }

    /// How many of so many requests are let in.
    pub async fn admits(&self, requests: u32, who: &Caller, budget: Budget) -> u32 {
        let mut admitted = 0;
        for _ in 0..requests {
            admitted += u32::from(self.count(who, budget).await.refused_for.is_none());
        }
        admitted
    }

    pub async fn is_shared(&self, shared: bool) {
        let began = Instant::now();
        while self.limiter.is_shared() != shared {
            assert!(began.elapsed() < PATIENCE, "waited in vain");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.running.abort();
    }
}

pub fn budget(name: &'static str, per_minute: u32) -> Budget {
    Budget { name, per_minute: per_minute.try_into().unwrap() }
}

pub fn caller(tenant: u128, address: &str) -> Caller {
    let address = address.parse::<IpAddr>().unwrap();
    Caller { tenant: Some(TenantId::new(Uuid::from_u128(tenant))), address: Some(address) }
}
