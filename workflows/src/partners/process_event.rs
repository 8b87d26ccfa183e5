#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::partners::{PartnerActivities, PartnerEventInput};
use crate::policy;

/// Sees to something that a partner has told.
#[workflow]
#[derive(Default)]
pub struct ProcessPartnerEvent;

#[workflow_methods]
impl ProcessPartnerEvent {
    /// Begins an operation, which has a workflow of its own.
    #[run(name = "ProcessPartnerEvent")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: PartnerEventInput) -> WorkflowResult<()> {
        ctx.execute_activity(PartnerActivities::process_partner_event, input, policy::process_partner_event()).await?;
        Ok(())
    }
}
