use std::time::Instant;

use futures::FutureExt;
use muster_bootstrap::metrics::{ActivityMetrics, ActivityOutcome};
use temporalio_common::ActivityError;
use temporalio_sdk::interceptors::{
    ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, ExecuteActivityResult, Next,
};

/// Counts attempts at activities. Those whose worker is killed are not counted: it has not seen their end.
pub(crate) struct Measure(pub(crate) ActivityMetrics);

impl ActivityInboundInterceptor for Measure {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        let (activity, is_first) = (info.activity_type.clone(), info.attempt <= 1);
        async move {
            let begun = Instant::now();
            let done = next.run(input).await;
            self.0.observe(&activity, is_first, outcome(&done), begun.elapsed());
            done
        }
        .boxed()
    }
}

fn outcome(done: &ExecuteActivityResult) -> ActivityOutcome {
    match done {
        Ok(_) | Err(ActivityError::WillCompleteAsync) => ActivityOutcome::Completed,
        Err(ActivityError::Cancelled { .. }) => ActivityOutcome::Cancelled,
        Err(ActivityError::Application(failure)) if failure.is_non_retryable() => ActivityOutcome::Failed,
        Err(_) => ActivityOutcome::Retried,
    }
}
