use axum::extract::MatchedPath;
use axum::http::{HeaderMap, Method, StatusCode};
use muster_bootstrap::telemetry;
use muster_domain::{OperationId, TenantId};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, KeyValue};
use uuid::Uuid;

use crate::extract::once;

/// The trace that a request is part of, and the request's span in it. Its id names the request in answers and logs.
pub(super) struct Trace {
    id: String,
    context: Context,
}

/// What came of a request.
pub(super) struct Told {
    pub(super) tenant: Option<TenantId>,
    pub(super) operation: Option<OperationId>,
    /// None when nobody was there to be answered.
    pub(super) status: Option<StatusCode>,
}

impl Trace {
    /// Goes on with the caller's trace (W3C Trace Context) when there is one, else begins one. `is_probe`: nobody wants a span
    /// of it.
    pub(super) fn begin(headers: &HeaderMap, is_probe: bool) -> Self {
        let given = parent(headers);
        if is_probe || !telemetry::are_recorded() {
            // On the hottest path: an id, and nothing else.
            return Self::of(Context::new().with_remote_span_context(given.unwrap_or_else(fresh)));
        }
        let parent = given.map_or_else(Context::new, |given| Context::new().with_remote_span_context(given));
        let tracer = telemetry::tracer();
        let span = tracer.span_builder("request").with_kind(SpanKind::Server);
        Self::of(parent.with_span(span.start_with_context(tracer, &parent)))
    }

    fn of(context: Context) -> Self {
        let id = Uuid::from_bytes(context.span().span_context().trace_id().to_bytes()).simple().to_string();
        Self { id, context }
    }

    /// 32 hex digits.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// In which the request is worked on.
    pub(super) fn context(&self) -> Context {
        self.context.clone()
    }

    /// Ends the span. It has no path and no query: these may contain personal data.
    pub(super) fn end(&self, method: &Method, route: Option<&MatchedPath>, told: &Told) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        span.set_attribute(KeyValue::new("http.request.method", method.to_string()));
        match route.map(MatchedPath::as_str) {
            Some(route) => {
                span.update_name(format!("{method} {route}"));
                span.set_attribute(KeyValue::new("http.route", route.to_owned()));
            }
            None => span.update_name(method.to_string()),
        }
        if let Some(tenant) = told.tenant {
            span.set_attribute(KeyValue::new("muster.tenant.id", tenant.to_string()));
        }
        if let Some(operation) = told.operation {
            span.set_attribute(KeyValue::new("muster.operation.id", operation.to_string()));
        }
        match told.status {
            Some(status) => {
                span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
                if status.is_server_error() {
                    span.set_status(Status::error(status.as_str().to_owned()));
                }
            }
            None => span.set_status(Status::error("the client has gone")),
        }
        span.end();
    }
}

/// What the caller says of its span. Its `tracestate` stays here: it is of other systems, and what is in it nobody knows.
fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    parse(once(headers, "traceparent").ok()??)
}

fn parse(traceparent: &str) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let valid = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        // Only later versions may say more.
        && (version != "00" || parts.next().is_none());
    if !valid {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

#[expect(clippy::disallowed_methods, reason = "a trace id decides nothing, so no test needs to set it")]
fn fresh() -> SpanContext {
    let id = Uuid::now_v7();
    let (_, random) = id.as_u64_pair();
    SpanContext::new(
        TraceId::from_bytes(id.into_bytes()),
        SpanId::from_bytes(random.to_be_bytes()),
        TraceFlags::default(),
        false,
        TraceState::default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn takes_over_a_valid_trace_only() {
        let good = format!("00-{TRACE}-b7ad6b7169203331-01");
        let trace = |text: &str| parse(text).map(|context| context.trace_id().to_string());
        assert_eq!(trace(&good).as_deref(), Some(TRACE));
        assert_eq!(trace(&format!("cc-{TRACE}-b7ad6b7169203331-01-more")).as_deref(), Some(TRACE));
        for bad in [
            String::new(),
            "00".to_owned(),
            good.to_uppercase(),
            format!("{good}-more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}x-b7ad6b7169203331-01"),
            format!("00-{TRACE}-b7ad6b7169203331"),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }

    #[test]
    fn of_the_flags_only_whether_it_is_recorded_is_taken_over() {
        let sampled =
            |flags: &str| parse(&format!("00-{TRACE}-b7ad6b7169203331-{flags}")).unwrap().trace_flags().to_u8();
        assert_eq!((sampled("00"), sampled("01"), sampled("ff")), (0, 1, 1));
    }

    #[test]
    fn a_request_without_a_trace_begins_one() {
        let id = Trace::begin(&HeaderMap::new(), false).id().to_owned();
        assert_eq!((id.len(), Uuid::parse_str(&id).unwrap().get_version_num()), (32, 7), "{id}");
    }
}
