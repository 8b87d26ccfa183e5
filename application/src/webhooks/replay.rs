use muster_domain::webhooks::WebhookDelivery;
use muster_domain::{WebhookDeliveryId, WebhookEndpointId};

use super::test::must_be_enabled;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Sends again what a delivery told, as another delivery with the same message and the same body and a whole series of
    /// attempts of its own; the first one stays as it is.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the endpoint is disabled, or the delivery is still being tried.
    pub async fn replay_webhook(
        &self,
        ctx: &Context,
        endpoint: WebhookEndpointId,
        delivery: WebhookDeliveryId,
    ) -> Result<WebhookDelivery, AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().lock_endpoint(endpoint).await?;
        let found = found.ok_or_else(|| AppError::not_found("webhook endpoint"))?;
        let first = uow.webhooks().delivery(delivery).await?.filter(|delivery| delivery.endpoint == endpoint);
        let first = first.ok_or_else(|| AppError::not_found("delivery"))?;
        must_be_enabled(&found)?;
        if first.is_pending() {
            let message = "the delivery is still being tried";
            return Err(AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message));
        }
        let (id, now) = (self.ports.ids.webhook_delivery_id(), self.ports.clock.now());
        let again = WebhookDelivery::new(id, first.message, endpoint, first.event, first.body, now);
        uow.webhooks().queue(&again).await?;
        uow.commit().await?;
        Ok(again)
    }
}
