//! What this process counts, in the text form of Prometheus.

mod activities;
mod parts;
mod process;
mod sdk;
mod watched;
mod work;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::{Response, StatusCode};
use muster_infrastructure::cache::Cache;
use muster_infrastructure::postgres::Pool;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use crate::small_server::{self, Answer, respond};
use crate::wire::Role;
pub use activities::{ActivityMetrics, ActivityOutcome};
use parts::{Build, CacheCounters, PoolConnections};
use process::ProcessUsage;
pub(crate) use watched::Watched;
pub(crate) use work::Work;

/// Where metrics are, on whatever port.
pub const PATH: &str = "/metrics";
/// The media type of the text form.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that can be scraped. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Where the SDK's numbers are, if it counts.
    sdk: Option<SocketAddr>,
}

/// What is counted of a process.
pub(crate) struct Parts {
    pub(crate) role: Role,
    pub(crate) cache: Cache,
    pub(crate) pool: Pool,
    pub(crate) work: Work,
    pub(crate) watched: Watched,
    pub(crate) sdk: Option<SocketAddr>,
}

impl Metrics {
    /// What every process has, and what `more` registers.
    pub(crate) fn new(parts: Parts, more: impl FnOnce(&mut Registry)) -> Self {
        let Parts { role, cache, pool, work, watched, sdk } = parts;
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Build(role)));
        registry.register_collector(Box::new(ProcessUsage));
        registry.register_collector(Box::new(CacheCounters(cache)));
        registry.register_collector(Box::new(PoolConnections(pool)));
        work.register(&mut registry);
        if role == Role::Worker {
            work.register_worker(&mut registry);
            watched.register(&mut registry);
        }
        Self::of(registry, sdk, more)
    }

    fn of(mut registry: Registry, sdk: Option<SocketAddr>, more: impl FnOnce(&mut Registry)) -> Self {
        more(&mut registry);
        Self { registry: Arc::new(registry), sdk }
    }

    /// As it is at this moment: ours, and then what the SDK counts.
    ///
    /// # Errors
    /// When a metric cannot be written as text, which is a defect of ours.
    pub async fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        if let Some(address) = self.sdk {
            text.push_str(&sdk::page(address).await);
        }
        Ok(text)
    }

    pub(crate) async fn answer(&self) -> Answer {
        match self.text().await {
            Ok(text) => respond(StatusCode::OK, TEXT, text),
            Err(fmt::Error) => respond(StatusCode::INTERNAL_SERVER_ERROR, TEXT, String::new()),
        }
    }
}

/// Serves `/metrics`, and nothing else, until the process ends. Gives the address, whose port may have been 0.
///
/// # Errors
/// When the address cannot be taken.
pub async fn serve(address: SocketAddr, metrics: Metrics) -> anyhow::Result<SocketAddr> {
    let address = small_server::serve(address, "METRICS_HOST, METRICS_PORT", move |path| {
        let metrics = metrics.clone();
        async move { if path == PATH { metrics.answer().await } else { not_found() } }
    })
    .await?;
    tracing::info!("metrics on http://{address}{PATH}");
    Ok(address)
}

fn not_found() -> Answer {
    let mut response = Response::new("see /metrics\n".to_owned().into());
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};

    use prometheus_client::metrics::counter::Counter;

    use super::*;

    fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_can_be_scraped_and_nothing_else() {
        let counter: Counter = Counter::default();
        counter.inc_by(3);
        let metrics = Metrics::of(Registry::default(), None, |registry| registry.register("things", "Things", counter));
        let address = serve((Ipv4Addr::LOCALHOST, 0).into(), metrics).await.unwrap();
        let scrape = move |path| tokio::task::spawn_blocking(move || get(address, path));
        let answer = scrape("/metrics").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("content-type: text/plain; version=0.0.4"));
        assert!(answer.contains("# TYPE things_total counter\nthings_total 3\n"), "{answer}");
        assert!(scrape("/metrics?x=1").await.unwrap().starts_with("HTTP/1.1 200"));
        for other in ["/", "/health", "/metrics/x"] {
            assert!(scrape(other).await.unwrap().starts_with("HTTP/1.1 404"), "{other}");
        }
    }

    #[tokio::test]
    async fn what_the_sdk_counts_follows_ours_and_ours_is_there_without_it() {
        let theirs = Metrics::of(Registry::default(), None, |registry| {
            registry.register("temporal_requests", "Theirs", Counter::<u64>::default());
        });
        let address = serve((Ipv4Addr::LOCALHOST, 0).into(), theirs).await.unwrap();
        let ours = |sdk| {
            Metrics::of(Registry::default(), Some(sdk), |registry| {
                registry.register("things", "Ours", Counter::<u64>::default());
            })
        };
        let text = ours(address).text().await.unwrap();
        let (first, then) = text.split_once("things_total 0\n").unwrap();
        assert!(first.starts_with("# HELP things_total") && then.ends_with("temporal_requests_total 0\n"), "{text}");
        // Nobody listens on port 1.
        let text = ours((Ipv4Addr::LOCALHOST, 1).into()).text().await.unwrap();
        assert!(text.ends_with("things_total 0\n"), "{text}");
    }
}
