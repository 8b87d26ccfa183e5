#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::mails::{MailActivities, SendWelcomeMailsInput};
use crate::lanes::Ranges;
use crate::policy;

/// Sends the welcome mails of an import, one range of blocks after another.
#[workflow]
#[derive(Default)]
pub struct SendWelcomeMails;

#[workflow_methods]
impl SendWelcomeMails {
    /// Ends when every mail was sent, refused for good or given up.
    #[run(name = "SendWelcomeMails")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: SendWelcomeMailsInput) -> WorkflowResult<()> {
        let ranges = Ranges::new(input.tenant_id, input.operation_id, 0, input.blocks, policy::MAIL_RANGE, u32::MAX);
        while let Some(range) = ranges.take() {
            ctx.set_current_details(format!(
                "mails of blocks {} to {} of {}",
                range.first_block + 1,
                range.last_block + 1,
                input.blocks
            ));
            let sent = ctx.execute_activity(MailActivities::send_mails, range.clone(), policy::mail()).await;
            if sent.is_err() {
                // Out of attempts: account for what is left, and go on with the others.
                ctx.execute_activity(MailActivities::give_up_mails, range, policy::give_up()).await?;
            }
        }
        Ok(())
    }
}
