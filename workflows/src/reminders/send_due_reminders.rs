#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::reminders::ReminderActivities;
use crate::policy;

/// One look after the reminders that are due, of all tenants, started by its schedule.
#[workflow]
#[derive(Default)]
pub struct SendDueReminders;

#[workflow_methods]
impl SendDueReminders {
    /// Hands over what is due by now.
    #[run(name = "SendDueReminders")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.execute_activity(ReminderActivities::send_due_reminders, (), policy::due_reminders()).await?;
        Ok(())
    }
}
