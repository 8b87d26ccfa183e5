//! What this process counts, in the text form of Prometheus.

mod parts;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::{Response, StatusCode};
use muster_infrastructure::cache::Cache;
use muster_infrastructure::postgres::Pool;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use crate::small_server::{self, Answer, respond};
use parts::{CacheCounters, PoolConnections};

/// Where metrics are, on whatever port.
pub const PATH: &str = "/metrics";
/// The media type of the text form.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that can be scraped. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
}

impl Metrics {
    /// What every process has, and what `more` registers.
    pub(crate) fn new(cache: Cache, pool: Pool, more: impl FnOnce(&mut Registry)) -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(CacheCounters(cache)));
        registry.register_collector(Box::new(PoolConnections(pool)));
        Self::of(registry, more)
    }

    fn of(mut registry: Registry, more: impl FnOnce(&mut Registry)) -> Self {
        more(&mut registry);
        Self { registry: Arc::new(registry) }
    }

    /// As it is at this moment.
    ///
    /// # Errors
    /// When a metric cannot be written as text, which is a defect of ours.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn answer(&self) -> Answer {
        match self.text() {
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
        async move { if path == PATH { metrics.answer() } else { not_found() } }
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
        let metrics = Metrics::of(Registry::default(), |registry| registry.register("things", "Things", counter));
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
}
