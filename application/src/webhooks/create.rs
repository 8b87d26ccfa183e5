use muster_domain::webhooks::{EndpointPatch, MAX_ENDPOINTS, NewEndpoint, WebhookEndpoint};

use super::update::UpdateEndpoint;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Makes an endpoint with a fresh secret, which whoever made it must be shown now: it is never given again.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule; `Conflict` when the tenant has as many as it may.
    pub async fn create_webhook(
        &self,
        ctx: &Context,
        command: UpdateEndpoint<'_>,
    ) -> Result<WebhookEndpoint, AppError> {
        let UpdateEndpoint { patch, problems } = command;
        let EndpointPatch { url, description, events, .. } = patch;
        let patch = EndpointPatch { url, description, events, enabled: None };
        let new = UpdateEndpoint::read(NewEndpoint::parse(patch, self.ports.webhook_sender.networks()), problems)?;
        let ids = &self.ports.ids;
        let endpoint =
            WebhookEndpoint::new(ids.webhook_endpoint_id(), new, ids.webhook_secret(), self.ports.clock.now());
        let mut uow = self.begin(ctx).await?;
        if !uow.webhooks().insert(&endpoint, MAX_ENDPOINTS).await? {
            let message = format!("a tenant has at most {MAX_ENDPOINTS} webhook endpoints; delete one first");
            return Err(AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message));
        }
        uow.commit().await?;
        Ok(endpoint)
    }
}
