//! Spans of calls to what is outside of the process. There is one only where it is part of a trace that is recorded: what a
//! process does by itself, such as its looks for a Redis that is away, would make traces of one span each.

use std::sync::LazyLock;

use futures::FutureExt as _;
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};

/// Makes our spans. Only to be asked for where spans are recorded: what it is asked for before telemetry has begun, it
/// drops for ever.
pub fn tracer() -> &'static BoxedTracer {
    static TRACER: LazyLock<BoxedTracer> = LazyLock::new(|| global::tracer("muster"));
    &TRACER
}

/// A call to `system`; `failure` says why it has failed, if it has, in words that hold nothing of what was asked or answered. It
/// begins here, and not when it is first polled, so that the future is not larger than that of the call.
pub(crate) fn call<T>(
    name: &'static str,
    system: KeyValue,
    call: impl Future<Output = T>,
    failure: impl FnOnce(&T) -> Option<&'static str>,
) -> impl Future<Output = T> {
    let context = begin(name, system);
    call.with_context(context.clone().unwrap_or_else(Context::current)).map(move |done| {
        if let Some(context) = context {
            if let Some(why) = failure(&done) {
                context.span().set_status(Status::error(why));
            }
            // Where the call is dropped instead, so is the span, which ends it as well.
            context.span().end();
        }
        done
    })
}

/// Another span, if the current one is recorded.
fn begin(name: &'static str, system: KeyValue) -> Option<Context> {
    let parent = Context::current();
    if !parent.span().is_recording() {
        return None;
    }
    let span = tracer().span_builder(name).with_kind(SpanKind::Client).with_attributes([system]);
    Some(parent.with_span(span.start_with_context(tracer(), &parent)))
}

/// A question to Redis, called by its command.
pub(crate) fn redis<T, E>(
    command: &'static str,
    asked: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let system = KeyValue::new("db.system.name", "redis");
    call(command, system, asked, |done| done.is_err().then_some("no answer, or an error"))
}
