//! Configuration from the environment. Every wrong value is named at once, with what would be right.

mod codec;
mod http;
mod issuer;
mod keep;
mod partner;
mod read;
pub mod settings;
mod temporal;
#[cfg(test)]
mod tests;
mod traces;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub use codec::{CodecConfig, CodecToken, payload_keys};
pub use http::{Cors, CorsOrigins, HttpConfig, RateLimitConfig, ServerConfig, TlsFiles, TrustedProxies};
pub use keep::KeepConfig;
use muster_application::TenantLimits;
use muster_domain::Networks;
pub use partner::PartnerConfig;
pub(crate) use partner::sealing_key;
use read::Reader;
pub use temporal::{TemporalConfig, temporal_from_environment};
pub use traces::TracesConfig;

use crate::tokens::{TokenAlgorithm, TokenConfig};

/// What `UPLOAD_MAX_ROWS` may be at most: row numbers are 32 bits wide with a sign in the database.
const MOST_ROWS: u32 = 2_000_000_000;
const ROWS: &str = "a number of rows from 1 to 2000000000";
/// Ten years: longer than any instant we compute with must reach.
const MOST_KEY_HOURS: u64 = 87_600;
/// A day.
const MOST_CACHE_SECONDS: u64 = 86_400;
/// Ten years, too.
const MOST_TOKEN_MINUTES: u64 = 5_256_000;

/// Where the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppEnv {
    /// On a developer's machine or in tests: generated keys, console logs, special-use e-mail domains.
    Development,
    /// For real.
    Production,
}

impl AppEnv {
    /// The name in the environment and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
        }
    }
}

/// All settings. Secrets may also come from a file named by `<NAME>_FILE`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `APP_ENV`.
    pub app_env: AppEnv,
    /// `LOG_LEVEL`: a level, or a filter such as `info,sqlx=warn`.
    pub log_level: String,
    /// `HOST` of the API.
    pub host: IpAddr,
    /// `PORT` of the API; 0 takes a free one.
    pub port: u16,
    /// `WORKER_HOST` of a worker's health server.
    pub worker_host: IpAddr,
    /// `WORKER_PORT`; 0 takes a free one.
    pub worker_port: u16,
    /// `DATABASE_URL`, as a member of `muster_service`.
    pub database_url: String,
    /// `DATABASE_POOL_SIZE`.
    pub database_pool_size: u32,
    /// `REDIS_URL`; without it there is no shared cache.
    pub redis_url: Option<String>,
    /// `CACHE_ENABLED`: whether users are read through the cache.
    pub cache_enabled: bool,
    /// `CACHE_TTL`: how long a user stays in Redis.
    pub cache_ttl: Duration,
    /// `TEMPORAL_…`.
    pub temporal: TemporalConfig,
    /// `SMTP_URL`.
    pub smtp_url: String,
    /// `SMTP_POOL_SIZE`: connections, and mails in flight.
    pub smtp_pool_size: u32,
    /// `EMAIL_FROM`.
    pub email_from: String,
    /// How the API meets browsers, proxies and those who ask too often.
    pub http: HttpConfig,
    /// `DOCS_URL`; empty switches the page off.
    pub docs_url: Option<String>,
    /// `OPENAPI_URL`; empty switches the document off.
    pub openapi_url: Option<String>,
    /// `UPLOAD_MAX_ROWS` of NDJSON and CSV.
    pub upload_max_rows: u32,
    /// `UPLOAD_MAX_BYTES` of an upload after decompression.
    pub upload_max_bytes: u64,
    /// `UPLOAD_ABANDONED_AFTER_SECONDS`: an upload that stands still for so long is removed.
    pub upload_abandoned_after: Duration,
    /// `OPERATION_STALLED_AFTER_SECONDS`: an operation that stands still for so long is looked after.
    pub operation_stalled_after: Duration,
    /// `IDEMPOTENCY_KEY_HOURS`.
    pub idempotency_key_lifetime: Duration,
    /// `TENANT_MAX_OPERATIONS` and `TENANT_MAX_ROWS_PER_DAY`.
    pub tenant_limits: TenantLimits,
    /// How long what has ended is kept.
    pub keep: KeepConfig,
    /// `WEBHOOK_ALLOW_NETWORKS`: private networks that webhooks may reach.
    pub webhook_networks: Networks,
    /// `PARTNER_…`.
    pub partners: PartnerConfig,
    /// `MUSTER_CODEC_KEYS` and `CODEC_…`.
    pub codec: CodecConfig,
    /// `OTEL_…`.
    pub traces: TracesConfig,
    /// `JWT_…` and `ACCESS_TOKEN_EXPIRE_MINUTES`.
    pub tokens: TokenConfig,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// Every wrong or missing value, all in one line.
    pub fn load() -> anyhow::Result<Self> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// Reads variables from somewhere else than the environment.
    ///
    /// # Errors
    /// Every wrong or missing value, all in one line.
    pub fn from_variables(get: impl Fn(&str) -> Option<String> + 'static) -> anyhow::Result<Self> {
        let (config, problems) = Self::examine(get);
        read::right(&problems).map(|()| config)
    }

    /// Reads variables, with the default in place of what is wrong, and says all that is.
    pub fn examine(get: impl Fn(&str) -> Option<String> + 'static) -> (Self, Vec<String>) {
        let mut env = Reader::new(get);
        let app_env = app_env(&mut env);
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let config = Self {
            app_env,
            log_level: env.text("LOG_LEVEL").unwrap_or_else(|| "info".to_owned()).to_lowercase(),
            host: env.parse("HOST", "an IP address such as 0.0.0.0", local),
            port: env.parse("PORT", "a port from 0 to 65535", 8000),
            worker_host: env.parse("WORKER_HOST", "an IP address such as 0.0.0.0", local),
            worker_port: env.parse("WORKER_PORT", "a port from 0 to 65535", 8081),
            database_url: env.required("DATABASE_URL", "postgres://user:password@host:5432/database"),
            // One connection listens, another one must be left for the work.
            database_pool_size: env.within("DATABASE_POOL_SIZE", "a number of connections from 2", 2..=u32::MAX, 10),
            redis_url: env.text("REDIS_URL"),
            cache_enabled: env.parse("CACHE_ENABLED", "true or false", true),
            cache_ttl: Duration::from_secs(env.within(
                "CACHE_TTL",
                "a number of seconds from 1 to 86400",
                1..=MOST_CACHE_SECONDS,
                300,
            )),
            temporal: temporal::read(&mut env),
            smtp_url: env.text("SMTP_URL").unwrap_or_else(|| "smtp://localhost:1025".to_owned()),
            smtp_pool_size: env.within("SMTP_POOL_SIZE", "a number of connections from 1", 1..=u32::MAX, 16),
            email_from: env.text("EMAIL_FROM").unwrap_or_else(|| "Muster <no-reply@example.com>".to_owned()),
            http: http::read(&mut env),
            docs_url: env.switchable("DOCS_URL", "/docs"),
            openapi_url: env.switchable("OPENAPI_URL", "/openapi.json"),
            upload_max_rows: env.within("UPLOAD_MAX_ROWS", ROWS, 1..=MOST_ROWS, 5_000_000),
            upload_max_bytes: env.parse("UPLOAD_MAX_BYTES", "a number of bytes", 1 << 30),
            upload_abandoned_after: env.seconds("UPLOAD_ABANDONED_AFTER_SECONDS", 600),
            operation_stalled_after: env.seconds("OPERATION_STALLED_AFTER_SECONDS", 15),
            idempotency_key_lifetime: Duration::from_hours(env.within(
                "IDEMPOTENCY_KEY_HOURS",
                "a number of hours from 24 to 87600",
                24..=MOST_KEY_HOURS,
                24,
            )),
            tenant_limits: TenantLimits {
                operations: Some(env.parse("TENANT_MAX_OPERATIONS", "a number of operations, 0 for any", 1000))
                    .filter(|most| *most > 0),
                rows_a_day: Some(env.parse("TENANT_MAX_ROWS_PER_DAY", "a number of rows, 0 for any", 0))
                    .filter(|most| *most > 0),
            },
            keep: keep::read(&mut env),
            webhook_networks: env.networks("WEBHOOK_ALLOW_NETWORKS"),
            partners: partner::read(&mut env),
            codec: codec::read(&mut env),
            traces: traces::read(&mut env),
            tokens: tokens(&mut env, app_env),
        };
        (config, env.problems())
    }
}

/// Only what signs and checks tokens, for programs that need nothing else.
///
/// # Errors
/// Every wrong value, all in one line.
pub fn tokens_from_environment() -> anyhow::Result<TokenConfig> {
    let mut env = Reader::new(|name| std::env::var(name).ok());
    let app_env = app_env(&mut env);
    let config = tokens(&mut env, app_env);
    env.finish().map(|()| config)
}

/// One variable, or the file that its `_FILE` names, for programs with settings of their own. Empty is absent.
///
/// # Errors
/// When the file cannot be read, or nobody has said in [`settings`] what it is.
pub fn setting(name: &str) -> anyhow::Result<Option<String>> {
    anyhow::ensure!(settings::find(name).is_some(), "{name} is not in the table of settings");
    let mut env = Reader::new(|name| std::env::var(name).ok());
    let value = env.text(name);
    env.finish().map(|()| value)
}

fn app_env(env: &mut Reader) -> AppEnv {
    env.choice("APP_ENV", "development or production", AppEnv::Development, |text| match text {
        "development" | "test" => Some(AppEnv::Development),
        "production" => Some(AppEnv::Production),
        _ => None,
    })
}

fn tokens(env: &mut Reader, app_env: AppEnv) -> TokenConfig {
    let algorithms = "ES256, ES384, HS256, HS384 or HS512";
    TokenConfig {
        algorithm: env.choice("JWT_ALGORITHM", algorithms, TokenAlgorithm::Es256, TokenAlgorithm::from_name),
        private_key: env.text("JWT_PRIVATE_KEY"),
        private_key_path: env.text("JWT_PRIVATE_KEY_PATH").map(Into::into),
        public_key: env.text("JWT_PUBLIC_KEY"),
        public_key_path: env.text("JWT_PUBLIC_KEY_PATH").map(Into::into),
        key_id: env.text("JWT_KEY_ID"),
        jwks: issuer::jwks(env, app_env == AppEnv::Production),
        production: app_env == AppEnv::Production,
        lifetime: Duration::from_mins(env.within(
            "ACCESS_TOKEN_EXPIRE_MINUTES",
            "a number of minutes from 1 to 5256000",
            1..=MOST_TOKEN_MINUTES,
            30,
        )),
    }
}
