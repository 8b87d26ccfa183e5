use muster_domain::WebhookEndpointId;
use muster_domain::webhooks::WebhookEndpoint;

use crate::{App, AppError, Context};

impl App {
    /// An endpoint of the tenant.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook(&self, ctx: &Context, id: WebhookEndpointId) -> Result<WebhookEndpoint, AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().endpoint(id).await?;
        found.ok_or_else(|| AppError::not_found("webhook endpoint"))
    }
}
