use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use temporalio_sdk::activities::ActivityContext;
use tracing::Span;
use tracing::field::{Empty, display};
use uuid::Uuid;

/// Whose data an activity works on.
pub(crate) const TENANT: &str = "tenant.id";
/// The operation that it carries out.
pub(crate) const OPERATION: &str = "operation.id";
/// The batch of mails that it sends.
pub(crate) const BATCH: &str = "batch.id";
/// The webhook that it delivers.
pub(crate) const DELIVERY: &str = "delivery.id";
/// What a partner has told.
pub(crate) const PARTNER_EVENT: &str = "partner_event.id";
/// The schedule that it runs.
pub(crate) const SCHEDULE: &str = "schedule.id";

/// Names what runs in the log, and the trace that it is part of, without personal data.
pub(crate) fn span(ctx: &ActivityContext, ids: &[(&str, Uuid)]) -> Span {
    let info = ctx.info();
    let span = tracing::info_span!(
        "activity",
        trace_id = Empty,
        workflow.id = info.workflow_id,
        activity.id = info.activity_id,
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        tenant.id = Empty,
        operation.id = Empty,
        batch.id = Empty,
        delivery.id = Empty,
        partner_event.id = Empty,
        schedule.id = Empty,
    );
    let context = Context::current().span().span_context().clone();
    if context.is_valid() {
        span.record("trace_id", display(context.trace_id()));
    }
    for (name, id) in ids {
        span.record(*name, display(id));
    }
    span
}
