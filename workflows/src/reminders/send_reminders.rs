#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::reminders::{ReminderActivities, ReminderBatch};
use crate::policy;

/// Sends the mails about tasks that were due at the same time, of several tenants.
#[workflow]
#[derive(Default)]
pub struct SendReminders;

#[workflow_methods]
impl SendReminders {
    /// Ends when every mail was sent, refused for good, given up, or is not wanted any more.
    #[run(name = "SendReminders")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, batch: ReminderBatch) -> WorkflowResult<()> {
        let sent = ctx.execute_activity(ReminderActivities::send_reminders, batch.clone(), policy::mail()).await;
        if sent.is_err() {
            // Out of attempts: account for what is left.
            ctx.execute_activity(ReminderActivities::give_up_reminders, batch, policy::give_up()).await?;
        }
        Ok(())
    }
}
