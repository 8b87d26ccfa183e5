#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

/// Does nothing: shows that a worker is there, and how long the way to it takes.
#[workflow]
#[derive(Default)]
pub struct Ping;

#[workflow_methods]
impl Ping {
    /// Ends at once.
    #[expect(clippy::unused_async, reason = "the SDK wants a workflow to be async")]
    #[run(name = "Ping")]
    pub async fn run(_ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        Ok(())
    }
}
