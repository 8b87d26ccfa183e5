#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::time::Duration;

use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

use crate::contract::webhooks::{DeliverWebhookInput, WebhookActivities, WebhookAttempt};
use crate::policy;

/// Tells an endpoint of one event, again and again until it has heard or the schedule is at its end.
#[workflow]
#[derive(Default)]
pub struct DeliverWebhook;

#[workflow_methods]
impl DeliverWebhook {
    /// Ends when the delivery was taken, has failed for good, or is to be made no more. How long to wait comes with what
    /// came of each attempt: the schedule may change while this runs, and an endpoint may ask for more time.
    #[run(name = "DeliverWebhook")]
    pub async fn run(ctx: &mut WorkflowContext<Self>, input: DeliverWebhookInput) -> WorkflowResult<()> {
        let DeliverWebhookInput { tenant_id, delivery_id } = input;
        for attempt in 1.. {
            let sent = WebhookAttempt { tenant_id, delivery_id, attempt };
            let done = ctx.execute_activity(WebhookActivities::deliver_webhook, sent, policy::webhook()).await?;
            let Some(wait_ms) = done.wait_ms else { break };
            ctx.set_current_details(format!("attempt {attempt} was not taken; another one follows"));
            ctx.timer(Duration::from_millis(wait_ms)).await;
        }
        Ok(())
    }
}
