use axum::extract::MatchedPath;
use axum::http::{Method, StatusCode};
use muster_domain::OperationId;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::display;

use super::trace::{Told, Trace};
use super::{HttpMetrics, RequestInfo};

/// Writes the one line of a request, and counts it, when it is dropped: also when the client has gone and nobody answers any more.
/// Has no path and no query: these may contain personal data.
pub(super) struct EndLine {
    span: Span,
    pub(super) trace: Trace,
    method: Method,
    route: Option<MatchedPath>,
    info: RequestInfo,
    metrics: HttpMetrics,
    since: Instant,
    pub(super) status: Option<StatusCode>,
    /// Which one the answer is about.
    pub(super) operation: Option<OperationId>,
}

impl EndLine {
    pub(super) fn new(
        span: Span,
        trace: Trace,
        method: Method,
        route: Option<MatchedPath>,
        info: RequestInfo,
        metrics: HttpMetrics,
    ) -> Self {
        metrics.begin();
        Self { span, trace, method, route, info, metrics, since: Instant::now(), status: None, operation: None }
    }
}

impl Drop for EndLine {
    fn drop(&mut self) {
        let _entered = self.span.enter();
        let trace_id = self.trace.id();
        let method = self.method.as_str();
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        let tenant = self.info.0.tenant.get();
        let told = Told { tenant: tenant.copied(), operation: self.operation, status: self.status };
        self.trace.end(&self.method, self.route.as_ref(), &told);
        let (tenant, operation) = (tenant.map(display), self.operation.map(display));
        let took = self.since.elapsed();
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.metrics.end(&self.method, self.route.as_ref(), self.status, took);
        match self.status.map(|status| status.as_u16()) {
            Some(status) if is_probe(self.route.as_ref()) => {
                tracing::debug!(trace_id, method, route, status, duration_ms, "request");
            }
            Some(status) => {
                tracing::info!(
                    trace_id,
                    method,
                    route,
                    status,
                    duration_ms,
                    tenant.id = tenant,
                    operation.id = operation,
                    "request"
                );
            }
            None => {
                tracing::info!(
                    trace_id,
                    method,
                    route,
                    duration_ms,
                    tenant.id = tenant,
                    "request abandoned by its client"
                );
            }
        }
    }
}

/// Probes ask every few seconds: nobody wants to hear of each.
pub(super) fn is_probe(route: Option<&MatchedPath>) -> bool {
    route.is_some_and(|route| route.as_str().contains("/health"))
}
