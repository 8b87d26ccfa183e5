use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use muster_application::ports::Heartbeat;
use temporalio_sdk::activities::ActivityContext;

/// Well below the heartbeat timeout of `muster_workflows::policy`; the SDK thins it out.
const EVERY: Duration = Duration::from_secs(1);

/// Says that this worker is ending. The SDK cancels activities only when their time of grace is over; a long one that
/// hears of it at once stops at its next safe point instead, and another worker goes on.
#[derive(Debug, Clone, Default)]
pub struct Draining(Arc<AtomicBool>);

impl Draining {
    /// From now on long activities stop at their next safe point.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Shows the use case whether the engine still wants the work from this worker.
pub(crate) struct Wanted<'a>(pub(crate) &'a ActivityContext, pub(crate) &'a Draining);

impl Heartbeat for Wanted<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled() || self.1.0.load(Ordering::Relaxed)
    }
}

/// Tells the engine that this worker is alive for as long as `work` runs.
pub(crate) async fn alive<T>(ctx: &ActivityContext, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        never = beat(ctx) => match never {},
    }
}

async fn beat(ctx: &ActivityContext) -> std::convert::Infallible {
    let mut ticks = tokio::time::interval(EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = ctx.record_heartbeat(()).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "a heartbeat was not recorded");
        }
    }
}

/// Names what runs in the log, without personal data.
pub(crate) fn span(ctx: &ActivityContext, tenant: uuid::Uuid, operation: uuid::Uuid) -> tracing::Span {
    let info = ctx.info();
    tracing::info_span!(
        "activity",
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        workflow.id = info.workflow_id,
        tenant.id = %tenant,
        operation.id = %operation,
    )
}

/// As `span`, for a batch of mails of several tenants.
pub(crate) fn batch_span(ctx: &ActivityContext, batch: uuid::Uuid) -> tracing::Span {
    let info = ctx.info();
    tracing::info_span!(
        "activity",
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        workflow.id = info.workflow_id,
        batch.id = %batch,
    )
}

/// As `span`, for a delivery to an endpoint.
pub(crate) fn delivery_span(ctx: &ActivityContext, tenant: uuid::Uuid, delivery: uuid::Uuid) -> tracing::Span {
    let info = ctx.info();
    tracing::info_span!(
        "activity",
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        workflow.id = info.workflow_id,
        tenant.id = %tenant,
        delivery.id = %delivery,
    )
}

/// As `span`, for a run of a schedule.
pub(crate) fn schedule_span(ctx: &ActivityContext, tenant: uuid::Uuid, schedule: uuid::Uuid) -> tracing::Span {
    let info = ctx.info();
    tracing::info_span!(
        "activity",
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        workflow.id = info.workflow_id,
        tenant.id = %tenant,
        schedule.id = %schedule,
    )
}

/// As `span`, for something that a partner has told.
pub(crate) fn partner_event_span(ctx: &ActivityContext, tenant: uuid::Uuid, event: uuid::Uuid) -> tracing::Span {
    let info = ctx.info();
    tracing::info_span!(
        "activity",
        activity.r#type = info.activity_type,
        activity.attempt = info.attempt,
        workflow.id = info.workflow_id,
        tenant.id = %tenant,
        partner_event.id = %event,
    )
}

/// Whether the first attempt was so long ago.
pub(crate) fn has_waited(ctx: &ActivityContext, patience: Duration) -> bool {
    let info = ctx.info();
    let waited = info.scheduled_time.zip(info.started_time);
    waited.is_some_and(|(asked, now): (SystemTime, SystemTime)| {
        now.duration_since(asked).is_ok_and(|waited| waited >= patience)
    })
}

/// A future with a span; the trait of `tracing` under a name that reads.
pub(crate) fn within<F: Future>(span: tracing::Span, work: F) -> tracing::instrument::Instrumented<F> {
    tracing::Instrument::instrument(work, span)
}
