//! The one place where ports meet what implements them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use muster_application::ports::{Clock, RateLimiter};
use muster_application::{App, Ports, Settings};
use muster_domain::operations::BLOCK_ROWS;
use muster_domain::users::{EmailPolicy, UserReader};
use muster_infrastructure::cache::{Cache, CacheOptions, CachedUsers, PgEpochs};
use muster_infrastructure::partners::RedisSignatures;
use muster_infrastructure::postgres::Pool;
use muster_infrastructure::postgres::{
    self, GuardError, PgReaders, PgUnits, PgUserList, PgUserMaker, PgWatch, PoolOptions,
};
use muster_infrastructure::rate::Limiter;
use muster_infrastructure::redis::Redis;
use muster_infrastructure::smtp::SmtpMailer;
use muster_infrastructure::temporal::{SdkMetrics, Temporal, TemporalOptions};
use muster_infrastructure::webhooks::{HttpWebhookSender, SystemResolver, trusted_roots};
use muster_infrastructure::{SystemClock, TimeOrderedIds};

use prometheus_client::registry::Registry;

use crate::config::{AppEnv, Config};
use crate::health::Health;
use crate::metrics::{Metrics, Parts, Watched, Work};
use crate::{partners, telemetry};

/// How long a request waits for a database connection before it is told that the database is down.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause between looks at a database that is down or not migrated.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Most who follow operations at once, in one process: each takes memory and a connection.
const MAX_WATCHERS: usize = 10_000;

/// What a process is made of. Nothing in it is connected yet: all parts may come up later, in any order.
pub struct Wired {
    /// The use cases.
    pub app: App,
    /// How the parts are.
    pub health: Health,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The engine, for the worker.
    pub temporal: Temporal,
    /// What the SDK counts, where somebody can ask for it.
    pub sdk_metrics: Option<SdkMetrics>,
    role: Role,
    work: Work,
    watched: Watched,
    pool: Pool,
    watch: PgWatch,
    cache: Cache,
    limiter: Limiter,
    database_url: String,
}

/// Which process it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes requests.
    Api,
    /// Runs workflows and activities.
    Worker,
    /// Does one thing for an operator.
    Command,
}

impl Role {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Worker => "worker",
            Self::Command => "command",
        }
    }
}

/// Wires everything. To be called within a runtime.
///
/// # Errors
/// Which setting cannot be used.
pub fn connect(config: &Config, role: Role) -> anyhow::Result<Wired> {
    let options = PoolOptions { max_connections: config.database_pool_size, acquire_timeout: ACQUIRE_TIMEOUT };
    let pool = postgres::connect_lazily(&config.database_url, options)
        .map_err(|_| anyhow::anyhow!("DATABASE_URL must look like postgres://user:password@host:5432/database"))?;
    let redis = config.redis_url.as_deref().map(Redis::new).transpose();
    let wrong_redis = |_| anyhow::anyhow!("REDIS_URL must look like redis://host:6379");
    let redis = redis.map_err(wrong_redis)?;
    let options = CacheOptions { redis: redis.clone(), ttl: config.cache_ttl };
    let cache = Cache::new(&options, Arc::new(PgEpochs::new(&pool))).map_err(wrong_redis)?;
    let limiter = Limiter::new(redis.as_ref());
    let temporal = Temporal::new(TemporalOptions {
        address: config.temporal.address.clone(),
        namespace: config.temporal.namespace.clone(),
        access: config.temporal.access.clone(),
        identity: identity(role.name()),
        keys: config.codec.keys.clone(),
    })?
    .traced_by(telemetry::temporal_plugin());
    let is_scraped = role == Role::Worker || (role == Role::Api && config.http.metrics.is_some());
    let sdk_metrics = is_scraped.then(SdkMetrics::start).transpose()?;
    let temporal = match &sdk_metrics {
        Some(sdk) => temporal.counted_by(sdk),
        None => temporal,
    };
    let work = Work::default();
    let watch = PgWatch::new();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let readers = Arc::new(PgReaders::new(pool.clone()));
    // Who reads without a cache tells the others of writes all the same.
    let users: Arc<dyn UserReader> = if config.cache_enabled {
        Arc::new(CachedUsers::new(readers.clone(), cache.clone(), config.cache_ttl))
    } else {
        readers.clone()
    };
    let ports = Ports {
        clock: Arc::clone(&clock),
        ids: Arc::new(TimeOrderedIds),
        units: Arc::new(PgUnits::new(pool.clone(), Arc::new(cache.clone()))),
        user_maker: Arc::new(PgUserMaker::new(pool.clone(), Arc::new(cache.clone()))),
        users,
        user_list: Arc::new(PgUserList::new(pool.clone())),
        search_index: readers.clone(),
        welcomes: readers.clone(),
        webhooks: readers.clone(),
        schedules: readers.clone(),
        partners: readers.clone(),
        tasks: readers.clone(),
        reminders: readers.clone(),
        operations: readers,
        workflows: Arc::new(temporal.clone()),
        watch: Arc::new(watch.clone()),
        mailer: Arc::new(SmtpMailer::new(
            &config.smtp_url,
            &config.email_from,
            usize::try_from(config.smtp_pool_size)?,
        )?),
        webhook_sender: Arc::new(HttpWebhookSender::new(
            Arc::new(SystemResolver),
            trusted_roots(),
            config.webhook_networks.clone(),
        )?),
        sealer: partners::sealer(config, role)?,
        signatures: Arc::new(RedisSignatures::new(redis.as_ref())),
        tally: Arc::new(work.clone()),
    };
    let app = App::new(ports, settings(config)?);
    let health = Health { pool: pool.clone(), redis, temporal: temporal.clone(), needs_temporal: role == Role::Worker };
    let database_url = config.database_url.clone();
    let watched = Watched::new(Arc::clone(&clock));
    Ok(Wired {
        app,
        health,
        clock,
        temporal,
        sdk_metrics,
        role,
        work,
        watched,
        pool,
        watch,
        cache,
        limiter,
        database_url,
    })
}

/// What a process that does this is called at Temporal, among others who poll a task queue or write into a history: of which
/// machine or pod it is, and which there.
pub fn identity(does: &str) -> String {
    format!("muster-{does}@{}:{}", host(), std::process::id())
}

/// The machine or pod.
pub(crate) fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    Ok(Settings {
        email_policy: EmailPolicy { allow_special_use: config.app_env == AppEnv::Development },
        max_json_rows: BLOCK_ROWS,
        max_rows: config.upload_max_rows,
        key_lifetime: TimeDelta::from_std(config.idempotency_key_lifetime)?,
        stalled_after: TimeDelta::from_std(config.operation_stalled_after)?,
        abandoned_after: TimeDelta::from_std(config.upload_abandoned_after)?,
        mail_concurrency: usize::try_from(config.smtp_pool_size)?,
        max_watchers: MAX_WATCHERS,
        tenant_limits: config.tenant_limits,
        upload_keep: TimeDelta::from_std(config.keep.uploads)?,
        result_keep: TimeDelta::from_std(config.keep.results)?,
        export_keep: TimeDelta::from_std(config.keep.exports)?,
    })
}

impl Wired {
    /// Hears the ends of operations, for those who wait: to be spawned by the API.
    pub fn listen(&self) -> impl Future<Output = ()> + Send + use<> {
        self.watch.clone().listen(self.pool.clone())
    }

    /// Keeps the cache: hears of other processes' writes, and tells them what could not be told at once. To be spawned
    /// by whoever reads or writes users; without it the cache is this process' own.
    pub fn keep_cache(&self) -> impl Future<Output = ()> + Send + use<> {
        self.cache.clone().run()
    }

    /// Counts requests. [`Wired::keep_limiter`] is to be spawned with it.
    pub fn limiter(&self) -> Arc<dyn RateLimiter> {
        Arc::new(self.limiter.clone())
    }

    /// Keeps the connection by which requests are counted for all processes together; without it each counts alone.
    pub fn keep_limiter(&self) -> impl Future<Output = ()> + Send + use<> {
        self.limiter.clone().run()
    }

    /// What can be scraped of this process: what every process has, and what `more` registers.
    pub fn metrics(&self, more: impl FnOnce(&mut Registry)) -> Metrics {
        let parts = Parts {
            role: self.role,
            cache: self.cache.clone(),
            pool: self.pool.clone(),
            work: self.work.clone(),
            watched: self.watched.clone(),
            sdk: self.sdk_metrics.as_ref().map(SdkMetrics::address),
        };
        Metrics::new(parts, more)
    }

    /// Looks now and then at what waits for workers, and whether there are any. To be spawned by workers of the control
    /// queue: what all of them see is the same, so the fewer look the better.
    pub fn keep_watch(&self) -> impl Future<Output = ()> + Send + use<> {
        self.watched.clone().keep(self.pool.clone(), self.temporal.clone())
    }

    /// To be called when nothing is written any more: others need not find out that this process has ended.
    pub async fn leave_cache(&self) {
        self.cache.leave().await;
    }

    /// Looks at the database until it is known to be safe, then waits for ever; completes only with the reason
    /// why this process must not run. Until it is known, no statement runs: see [`postgres::connect_lazily`].
    pub async fn guard(&self) -> GuardError {
        let mut said = String::new();
        loop {
            match postgres::check_database(&self.database_url, ACQUIRE_TIMEOUT).await {
                Ok(()) => std::future::pending().await,
                Err(error) if error.is_temporary() => {
                    let text = error.to_string();
                    if text != said {
                        tracing::warn!("waiting for the database: {text}");
                        said = text;
                    }
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                Err(error) => return error,
            }
        }
    }
}
