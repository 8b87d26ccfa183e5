use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::WebhookEndpointId;

use super::view::DeliveryView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSending;
use crate::state::Shared;

/// Try an endpoint
///
/// Sends it an event of type `webhook.test`, as any other would be sent. What came of it is in the list of deliveries.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = "Webhooks",
    params(("id" = uuid::Uuid, Path, description = "Which endpoint")),
    responses((status = 201, description = "It will be sent within seconds", body = DeliveryView), OfSending),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn test(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let delivery = state.app.test_webhook(&ctx, WebhookEndpointId::new(id)).await?;
    Ok((StatusCode::CREATED, Json(delivery.into())))
}
