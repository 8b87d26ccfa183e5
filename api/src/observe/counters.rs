use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::limits::BUDGETS;

/// Upper ends of the buckets of durations, in seconds: from what the cache answers to what waits for an import.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Requests, by route and never by path: nothing in them tells of anybody, and there are only so many. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct HttpMetrics(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    requests: Family<Answered, Counter>,
    durations: Family<Asked, Histogram, Durations>,
    active: Gauge,
    body_bytes: Counter,
    connections: Gauge,
    rate_limited: Family<Limited, Counter>,
}

impl Default for Counters {
    fn default() -> Self {
        let durations = Family::new_with_constructor(Durations);
        Self {
            requests: Family::default(),
            durations,
            active: Gauge::default(),
            body_bytes: Counter::default(),
            connections: Gauge::default(),
            rate_limited: Family::default(),
        }
    }
}

impl HttpMetrics {
    /// Makes them part of what can be scraped.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Requests that were answered, or abandoned by their client";
        registry.register("http_server_requests", help, self.0.requests.clone());
        let help = "Seconds until an answer began";
        registry.register("http_server_request_duration_seconds", help, self.0.durations.clone());
        registry.register("http_server_active_requests", "Requests that run", self.0.active.clone());
        let help = "Bytes of request bodies as they came in, compressed or not";
        registry.register("http_server_request_body_bytes", help, self.0.body_bytes.clone());
        registry.register("http_server_connections", "Open connections", self.0.connections.clone());
        for budget in BUDGETS {
            drop(self.0.rate_limited.get_or_create(&Limited { budget }));
        }
        let help = "Requests that were refused because their caller asked too often, by budget";
        registry.register("http_server_rate_limited", help, self.0.rate_limited.clone());
    }

    /// A connection is open until what this gives is dropped.
    pub(crate) fn connected(&self) -> Connected {
        self.0.connections.inc();
        Connected(self.0.connections.clone())
    }

    /// Counts what comes in of bodies.
    pub(super) fn body_bytes(&self) -> &Counter {
        &self.0.body_bytes
    }

    pub(super) fn rate_limited(&self, budget: &'static str) {
        self.0.rate_limited.get_or_create(&Limited { budget }).inc();
    }

    pub(super) fn begin(&self) {
        self.0.active.inc();
    }

    /// Without a status the client had gone.
    pub(super) fn end(&self, method: &Method, route: Option<&MatchedPath>, status: Option<StatusCode>, took: Duration) {
        self.0.active.dec();
        let asked = Asked { method: Known::of(method), route: Route(route.cloned()) };
        self.0.durations.get_or_create(&asked).observe(took.as_secs_f64());
        self.0.requests.get_or_create(&Answered { asked, status: Status(status) }).inc();
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Limited {
    budget: &'static str,
}

#[derive(Debug, Clone, Copy)]
struct Durations;

impl MetricConstructor<Histogram> for Durations {
    fn new_metric(&self) -> Histogram {
        Histogram::new(BUCKETS)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    method: Known,
    route: Route,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    #[prometheus(flatten)]
    asked: Asked,
    status: Status,
}

/// A method, if it is one that everybody knows: a client can invent others without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Known(&'static str);

impl Known {
    fn of(method: &Method) -> Self {
        Self(match *method {
            Method::GET => "GET",
            Method::POST => "POST",
            Method::PATCH => "PATCH",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            Method::HEAD => "HEAD",
            Method::OPTIONS => "OPTIONS",
            _ => "other",
        })
    }
}

impl EncodeLabelValue for Known {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

/// The template of a route; none for what is no route of ours.
#[derive(Debug, Clone)]
struct Route(Option<MatchedPath>);

impl Route {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("none", MatchedPath::as_str)
    }
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Route {}

impl Hash for Route {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        EncodeLabelValue::encode(&self.as_str(), encoder)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Status(Option<StatusCode>);

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(status) => EncodeLabelValue::encode(&status.as_str(), encoder),
            None => EncodeLabelValue::encode(&"abandoned", encoder),
        }
    }
}
