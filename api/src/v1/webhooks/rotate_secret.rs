use axum::Json;
use axum::extract::State;
use muster_domain::WebhookEndpointId;

use super::view::SecretView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfWebhook;
use crate::state::Shared;

/// Give an endpoint a fresh secret
///
/// The secret before stays valid for 24 hours, in which deliveries are signed with both. Of an earlier rotation nothing is
/// left. The answer has the new secret; it is given this once.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate-secret", operation_id = "rotate_webhook_secret", tag = "Webhooks",
    params(("id" = uuid::Uuid, Path, description = "Which endpoint")),
    responses((status = 200, description = "The endpoint and its new secret", body = SecretView), OfWebhook),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn rotate_secret(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<SecretView>, Problem> {
    let endpoint = state.app.rotate_webhook_secret(&ctx, WebhookEndpointId::new(id)).await?;
    Ok(Json(SecretView::new(&endpoint, state.clock.now())))
}
