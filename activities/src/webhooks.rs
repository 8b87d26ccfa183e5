#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::webhooks::{DeliverWebhook, DeliveryStep};
use muster_application::{App, Context};
use muster_domain::{TenantId, WebhookDeliveryId};
use muster_workflows::contract::webhooks::{WebhookAttempt, WebhookAttempted, definitions};
use muster_workflows::policy;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{alive, within};
use crate::span::{DELIVERY, TENANT, span};

/// Activities on webhooks.
pub struct WebhookActivities {
    app: App,
}

impl WebhookActivities {
    /// Activities that call these use cases.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[activities]
impl WebhookActivities {
    /// Sends a delivery once and records what came of it.
    #[activity(definition = definitions::DeliverWebhook)]
    pub async fn deliver_webhook(
        self: Arc<Self>,
        ctx: ActivityContext,
        attempt: WebhookAttempt,
    ) -> Result<WebhookAttempted, ActivityError> {
        let context = Context::new(TenantId::new(attempt.tenant_id));
        within(span(&ctx, &[(TENANT, attempt.tenant_id), (DELIVERY, attempt.delivery_id)]), async {
            let done = alive(&ctx, self.app.deliver_webhook(&context, command(&attempt))).await;
            done.map(payload).map_err(activity_error)
        })
        .await
    }
}

fn command(attempt: &WebhookAttempt) -> DeliverWebhook {
    DeliverWebhook {
        delivery: WebhookDeliveryId::new(attempt.delivery_id),
        attempt: attempt.attempt,
        pause: policy::webhook_pause(attempt.attempt),
        longest: policy::WEBHOOK_LONGEST_PAUSE,
    }
}

fn payload(step: DeliveryStep) -> WebhookAttempted {
    WebhookAttempted { wait_ms: step.wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)) }
}
