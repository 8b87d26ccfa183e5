use muster_domain::WebhookEndpointId;
use muster_domain::webhooks::{Happening, WebhookDelivery, WebhookEndpoint};

use super::body::body_of;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Sends an endpoint something to try it, as any event would be sent.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the endpoint is disabled.
    pub async fn test_webhook(&self, ctx: &Context, id: WebhookEndpointId) -> Result<WebhookDelivery, AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().lock_endpoint(id).await?;
        must_be_enabled(&found.ok_or_else(|| AppError::not_found("webhook endpoint"))?)?;
        let (ids, now) = (&self.ports.ids, self.ports.clock.now());
        let trial = Happening::of_test(id, now);
        let (delivery, message) = (ids.webhook_delivery_id(), ids.webhook_message_id());
        let delivery = WebhookDelivery::new(delivery, message, id, trial.event, body_of(&trial), now);
        uow.webhooks().queue(&delivery).await?;
        uow.commit().await?;
        Ok(delivery)
    }
}

/// What is sent to a disabled endpoint would be cancelled at once.
pub(super) fn must_be_enabled(endpoint: &WebhookEndpoint) -> Result<(), AppError> {
    if endpoint.disabled.is_none() {
        return Ok(());
    }
    let message = "the webhook endpoint is disabled; enable it first";
    Err(AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message))
}
