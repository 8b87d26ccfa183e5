use axum::Json;
use axum::extract::State;
use muster_domain::WebhookEndpointId;

use super::view::EndpointView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfWebhook;
use crate::state::Shared;

/// An endpoint
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", operation_id = "get_webhook", tag = "Webhooks",
    params(("id" = uuid::Uuid, Path, description = "Which endpoint")),
    responses((status = 200, description = "The endpoint", body = EndpointView), OfWebhook),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<EndpointView>, Problem> {
    let endpoint = state.app.webhook(&ctx, WebhookEndpointId::new(id)).await?;
    Ok(Json(EndpointView::new(&endpoint, state.clock.now())))
}
