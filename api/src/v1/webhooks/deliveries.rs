use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use muster_domain::webhooks::{DeliveryPosition, DeliveryState};
use muster_domain::{WebhookDeliveryId, WebhookEndpointId};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::DeliveryView;
use crate::cursor::Cursor;
use crate::extract::{Id, Params, Tenant};
use crate::openapi::DeliveryStateName;
use crate::problem::Problem;
use crate::refusals::OfWebhook;
use crate::state::Shared;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDeliveryPage)]
pub(crate) struct DeliveriesView {
    /// The latest first.
    items: Vec<DeliveryView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// Deliveries to an endpoint, the latest first
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", operation_id = "list_webhook_deliveries", tag = "Webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "Which endpoint"),
        ("state" = inline(Option<DeliveryStateName>), Query, description = "Only those in this state"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoiMjAyNi0wMS0zMVQxMjowMDowMFoiLCJ2YWx1ZSI6IjAxOTgxYzVlLTdhMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"),
        ("limit" = Option<u32>, Query, description = "Deliveries of a page, default 50", example = 50, minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "A page", body = DeliveriesView), OfWebhook),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn deliveries(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<DeliveriesView>, Problem> {
    let states = DeliveryState::ALL.map(DeliveryState::name).join(", ");
    let wanted = params.read("state", &format!("one of {states}"), DeliveryState::from_name)?;
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let cursor = Cursor::<DateTime<Utc>>::of(&params, |_| true)?;
    let after = cursor.map(|Cursor { sort_value, value }| DeliveryPosition {
        created_at: sort_value,
        id: WebhookDeliveryId::new(value),
    });
    let page = state.app.webhook_deliveries(&ctx, WebhookEndpointId::new(id), wanted, after, limit).await?;
    let next = page.next_after.map(|after| Cursor { sort_value: after.created_at, value: after.id.get() });
    Ok(Json(DeliveriesView {
        items: page.items.into_iter().map(Into::into).collect(),
        has_next: next.is_some(),
        next_cursor: next.and_then(|next| next.encode()),
    }))
}
