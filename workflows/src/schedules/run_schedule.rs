#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::schedules::{BeginScheduled, RunScheduleInput, ScheduleActivities};
use crate::{names, policy};

/// One run of a tenant's schedule.
#[workflow]
#[derive(Default)]
pub struct RunSchedule;

#[workflow_methods]
impl RunSchedule {
    /// Begins an operation, which has a workflow of its own. Which run this is stands in the workflow's id, where the server
    /// has written it and where every attempt and every replay finds the same.
    #[run(name = "RunSchedule")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: RunScheduleInput) -> WorkflowResult<()> {
        let RunScheduleInput { tenant_id, schedule_id, triggered } = input;
        let at = names::schedule_run_at(ctx.workflow_id(), tenant_id, schedule_id).to_owned();
        let begin = BeginScheduled { tenant_id, schedule_id, at, triggered };
        ctx.execute_activity(ScheduleActivities::begin_scheduled, begin, policy::begin_scheduled()).await?;
        Ok(())
    }
}
