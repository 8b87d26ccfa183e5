use muster_domain::webhooks::WebhookEndpoint;

use crate::{App, AppError, Context};

impl App {
    /// All endpoints of the tenant, the eldest first; there are few.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn webhooks(&self, ctx: &Context) -> Result<Vec<WebhookEndpoint>, AppError> {
        let mut uow = self.begin(ctx).await?;
        Ok(uow.webhooks().endpoints().await?)
    }
}
