use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::WebhookEndpointId;

use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfWebhook;
use crate::state::Shared;

/// Delete an endpoint with its deliveries
///
/// Nothing is sent any more but what is being sent at this moment.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", operation_id = "delete_webhook", tag = "Webhooks",
    params(("id" = uuid::Uuid, Path, description = "Which endpoint")),
    responses((status = 204, description = "Deleted"), OfWebhook),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    state.app.delete_webhook(&ctx, WebhookEndpointId::new(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
