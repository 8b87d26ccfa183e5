use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use tokio_util::sync::CancellationToken;

/// Ends the activities that still run when a worker has no more time, and gives them back to Temporal: another worker begins
/// them at once, and not when their heartbeats are missed. They are cut where they wait, as if the worker had died there.
pub(crate) struct HandBack {
    pub(crate) time_is_up: CancellationToken,
}

impl ActivityInboundInterceptor for HandBack {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        Box::pin(async move {
            let info = input.activity_info();
            let (kind, workflow) = (info.activity_type.clone(), info.workflow_id.clone());
            tokio::select! {
                biased;
                done = next.run(input) => done,
                () = self.time_is_up.cancelled() => {
                    tracing::info!(activity.r#type = kind, workflow.id = workflow, "an activity is handed back");
                    let failure = ApplicationFailure::builder("the worker is ending".to_owned());
                    Err(ActivityError::application(failure.type_name("WORKER_ENDING".to_owned()).build()))
                }
            }
        })
    }
}
