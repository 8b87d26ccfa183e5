use muster_domain::WebhookEndpointId;
use muster_domain::webhooks::WebhookEndpoint;

use crate::{App, AppError, Context};

impl App {
    /// Gives an endpoint a fresh secret, which whoever asked must be shown now. The one before is valid for another day.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn rotate_webhook_secret(
        &self,
        ctx: &Context,
        id: WebhookEndpointId,
    ) -> Result<WebhookEndpoint, AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().lock_endpoint(id).await?;
        let mut endpoint = found.ok_or_else(|| AppError::not_found("webhook endpoint"))?;
        endpoint.rotate(self.ports.ids.webhook_secret(), self.ports.clock.now());
        uow.webhooks().store_endpoint(&endpoint).await?;
        uow.commit().await?;
        Ok(endpoint)
    }
}
