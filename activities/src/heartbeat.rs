use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use muster_application::ports::Heartbeat;
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityContext;
use tracing::Instrument;

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

/// Whether the first attempt was so long ago.
pub(crate) fn has_waited(ctx: &ActivityContext, patience: Duration) -> bool {
    let info = ctx.info();
    let waited = info.scheduled_time.zip(info.started_time);
    waited.is_some_and(|(asked, now): (SystemTime, SystemTime)| {
        now.duration_since(asked).is_ok_and(|waited| waited >= patience)
    })
}

/// The work of an activity, with a span. A panic in it becomes a failure without its text: the text may hold what the
/// activity worked on, and failures are kept and shown. The hook of the process has logged where it was.
pub(crate) fn within<T>(
    span: tracing::Span,
    work: impl Future<Output = Result<T, ActivityError>>,
) -> impl Future<Output = Result<T, ActivityError>> {
    // What a panic has left half done is not looked at again: the next attempt begins anew.
    AssertUnwindSafe(work.instrument(span)).catch_unwind().map(|done| {
        done.unwrap_or_else(|_| {
            let text = "the activity panicked; the log of the worker says where";
            Err(ActivityError::application(ApplicationFailure::new(text)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_a_failure_that_is_tried_again_and_does_not_tell_what_was_worked_on() {
        let address = "canary@example.com";
        let failed = within(tracing::Span::none(), async { panic!("no mail for {address}") }).await;
        let failed: Result<(), _> = failed;
        let Err(ActivityError::Application(failure)) = failed else { panic!("{failed:?}") };
        assert!(!failure.is_non_retryable());
        assert!(!format!("{failure:?} {failure}").contains("canary"), "{failure:?}");
        assert!(failure.to_string().contains("panicked"));
        assert_eq!(within(tracing::Span::none(), async { Ok(7) }).await.unwrap(), 7);
    }
}
