#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::mails::{MailActivities, WelcomeBatch};
use crate::policy;

/// Sends the welcome mails of users who were made one by one and waited at the same time.
#[workflow]
#[derive(Default)]
pub struct SendWelcomeBatch;

#[workflow_methods]
impl SendWelcomeBatch {
    /// Ends when every mail was sent, refused for good or given up.
    #[run(name = "SendWelcomeBatch")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, batch: WelcomeBatch) -> WorkflowResult<()> {
        let sent = ctx.execute_activity(MailActivities::send_welcome_batch, batch.clone(), policy::mail()).await;
        if sent.is_err() {
            // Out of attempts: account for what is left.
            ctx.execute_activity(MailActivities::give_up_welcome_batch, batch, policy::give_up()).await?;
        }
        Ok(())
    }
}
