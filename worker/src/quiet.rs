//! What a panic says stays out of Temporal: its text may hold what was worked on, and failures are kept and shown. The hook of the
//! process has logged where it was.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::WorkerOptions;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use temporalio_sdk::workflow_interceptors::{
    ExecuteWorkflowInput, ExecuteWorkflowResult, WorkflowInterceptor, WorkflowInterceptorConstructor,
    WorkflowInterceptorContext, WorkflowInterceptorFuture, WorkflowNext,
};

/// Puts itself around all that a worker runs; to be called before anything else intercepts.
pub fn keep_panics_quiet(options: &mut WorkerOptions) {
    options.activity_inbound_interceptor(Quiet);
    options.workflow_interceptor(WorkflowInterceptorConstructor::new(|_: &_| Quiet));
}

struct Quiet;

/// Of activities themselves `muster_activities` sees to it, before the SDK does; this is for what is around them.
impl ActivityInboundInterceptor for Quiet {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let done = AssertUnwindSafe(async move { next.run(input).await }).catch_unwind();
        done.map(|done| {
            done.unwrap_or_else(|_| {
                let text = "something around the activity panicked; the log of the worker says where";
                Err(ActivityError::application(ApplicationFailure::new(text)))
            })
        })
        .boxed()
    }
}

/// A panic fails the workflow task, which is tried again until a release mends it. That stays so, with another text.
impl WorkflowInterceptor for Quiet {
    fn execute<'a>(
        &'a self,
        _: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<'a, ExecuteWorkflowInput, WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>>,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        let done = AssertUnwindSafe(async move { next.run(input).await }).catch_unwind();
        WorkflowInterceptorFuture::new(
            done.map(|done| done.unwrap_or_else(|_| resume_unwind(Box::new("the log of the worker says where")))),
        )
    }
}
