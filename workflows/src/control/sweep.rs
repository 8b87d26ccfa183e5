#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::control::ControlActivities;
use crate::policy;

/// One round of the sweeper, started by its schedule.
#[workflow]
#[derive(Default)]
pub struct Sweep;

#[workflow_methods]
impl Sweep {
    /// Looks once after what was left behind.
    #[run(name = "Sweep")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.execute_activity(ControlActivities::sweep, (), policy::sweep()).await?;
        Ok(())
    }
}
