//! The API process: takes requests, stores them, starts workflows.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use muster_api::server::{self, Serving, Tls};
use muster_api::{ApiState, CodecEndpoint, HttpMetrics, RateLimits, UploadLimits, router};
use muster_bootstrap::config::{CodecConfig, ServerConfig, TlsFiles};
use muster_bootstrap::tokens::TenantTokens;
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, health_check, lifecycle, metrics, telemetry};
use tokio::net::TcpListener;

/// How long requests that run may go on when the process is asked to end; longer than any `Prefer: wait`.
const GRACE: Duration = Duration::from_secs(65);

const ABOUT: &str = "The API of Muster: takes users by the million and makes them durably.

Configuration comes from the environment: DATABASE_URL is required; HOST, PORT, TEMPORAL_ADDRESS,
REDIS_URL, JWT_PRIVATE_KEY and all others are in docs/operate/configuration.md.

  --healthcheck  asks the API that listens on HOST and PORT whether it is ready; 0 if it is, 1 if not
  --help         shows this
  --version      shows the version";

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => lifecycle::exit_code(run().map(|()| ExitCode::SUCCESS)),
        Some("--healthcheck") => lifecycle::exit_code(health().map(|()| ExitCode::SUCCESS)),
        Some("--help" | "-h") => say(ABOUT),
        Some("--version" | "-V") => say(concat!("api ", env!("CARGO_PKG_VERSION"))),
        Some(_) => {
            eprintln!("error: api has no such option; see api --help");
            ExitCode::from(2)
        }
    }
}

fn health() -> anyhow::Result<()> {
    let config = Config::load()?;
    health_check::ask(config.host, config.port, config.http.server.tls.is_some())
}

fn say(text: &str) -> ExitCode {
    println!("{text}");
    ExitCode::SUCCESS
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config, Role::Api)?;
    let stop = lifecycle::stop_signal()?;
    let wired = wire::connect(&config, Role::Api)?;
    tokio::spawn(wired.listen());
    tokio::spawn(wired.keep_cache());
    let tokens = Arc::new(TenantTokens::new(&config.tokens)?);
    tokio::spawn(tokens.keep_fresh());
    let http_metrics = HttpMetrics::default();
    if let Some(address) = config.http.metrics {
        metrics::serve(address, wired.metrics(|registry| http_metrics.register(registry))).await?;
    }
    let rate_limits = config.http.rate_limit.map(|limit| {
        tokio::spawn(wired.keep_limiter());
        RateLimits::new(wired.limiter(), limit.per_minute, limit.uploads_per_minute)
    });
    let state = ApiState {
        app: wired.app.clone(),
        tokens,
        clock: Arc::clone(&wired.clock),
        health: Arc::new(wired.health.clone()),
        environment: config.app_env.name().to_owned(),
        limits: UploadLimits { file_bytes: config.upload_max_bytes, ..UploadLimits::default() },
        rate_limits,
        trusted_proxies: config.http.trusted_proxies.clone(),
        cors: config.http.cors.clone(),
        codec: codec(&config),
        metrics: http_metrics.clone(),
        docs_url: config.docs_url.clone(),
        openapi_url: config.openapi_url.clone(),
    };
    let router = router(state)?;
    let serving = Serving { metrics: http_metrics, ..serving(&config.http.server)? };
    allow_descriptors(serving.max_connections);
    let listener = TcpListener::bind((config.host, config.port))
        .await
        .with_context(|| format!("HOST={} PORT={} cannot be listened on", config.host, config.port))?;
    let ended = tokio::select! {
        served = server::serve(listener, router, serving, stop.cancelled()) => served.map_err(Into::into),
        unsafe_database = wired.guard() => Err(unsafe_database.into()),
    };
    wired.leave_cache().await;
    telemetry::flush();
    ended
}

/// Payloads are shown where there are keys for them, and a token for whoever asks.
fn codec(config: &Config) -> Option<CodecEndpoint> {
    let CodecConfig { keys, token, origins } = &config.codec;
    let token = token.clone().filter(|_| !keys.is_empty())?;
    Some(CodecEndpoint { keys: keys.clone(), token, origins: origins.clone() })
}

/// What else has a file descriptor: connections to Postgres, Redis and Temporal, files, and clients of metrics.
const OTHER_DESCRIPTORS: u64 = 256;

/// Shells and services start with few file descriptors as a rule, and may have more.
fn allow_descriptors(max_connections: usize) {
    let wanted = u64::try_from(max_connections).unwrap_or(u64::MAX).saturating_add(OTHER_DESCRIPTORS);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(most) if most >= wanted => {}
        Ok(most) => tracing::warn!(
            "MAX_CONNECTIONS={max_connections} needs {wanted} file descriptors, and there may be {most}: raise the limit (ulimit -n, LimitNOFILE=)"
        ),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the limit of file descriptors stays as it is");
        }
    }
}

fn serving(config: &ServerConfig) -> anyhow::Result<Serving> {
    let tls = match &config.tls {
        None => None,
        Some(TlsFiles { certificate, key }) => {
            let tls = Tls::load(certificate, key).context("TLS_CERTIFICATE_PATH, TLS_KEY_PATH")?;
            tokio::spawn(tls.clone().keep_fresh());
            Some(tls)
        }
    };
    let ServerConfig { max_connections, idle, drain, .. } = *config;
    Ok(Serving { max_connections, idle, drain, grace: GRACE, tls, ..Serving::default() })
}
