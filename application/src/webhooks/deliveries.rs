use muster_domain::WebhookEndpointId;
use muster_domain::webhooks::{DeliveryPosition, DeliveryState, WebhookDelivery};

use crate::{App, AppError, Context};

/// A page of deliveries.
#[derive(Debug, Clone)]
pub struct DeliveriesPage {
    /// The latest first.
    pub items: Vec<WebhookDelivery>,
    /// Where the next page begins: behind this position.
    pub next_after: Option<DeliveryPosition>,
}

impl App {
    /// Deliveries to an endpoint behind `after`, only those in `state` if one is given, at most `limit`.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn webhook_deliveries(
        &self,
        ctx: &Context,
        endpoint: WebhookEndpointId,
        state: Option<DeliveryState>,
        after: Option<DeliveryPosition>,
        limit: u32,
    ) -> Result<DeliveriesPage, AppError> {
        let mut uow = self.begin(ctx).await?;
        if uow.webhooks().endpoint(endpoint).await?.is_none() {
            return Err(AppError::not_found("webhook endpoint"));
        }
        let mut items = uow.webhooks().deliveries(endpoint, state, after, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_after = last.map(|last| DeliveryPosition { created_at: last.created_at, id: last.id });
        Ok(DeliveriesPage { items, next_after })
    }
}
