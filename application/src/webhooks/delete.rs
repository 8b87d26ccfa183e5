use muster_domain::WebhookEndpointId;

use crate::{App, AppError, Context};

impl App {
    /// Removes an endpoint with its deliveries. One that is being sent at this moment may still arrive.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn delete_webhook(&self, ctx: &Context, id: WebhookEndpointId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        if !uow.webhooks().remove(id).await? {
            return Err(AppError::not_found("webhook endpoint"));
        }
        Ok(uow.commit().await?)
    }
}
