use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::{WebhookDeliveryId, WebhookEndpointId};

use super::view::DeliveryView;
use crate::extract::{DeliveryIds, Tenant};
use crate::problem::Problem;
use crate::refusals::OfReplay;
use crate::state::Shared;

/// Send a delivery again
///
/// The same body under the same `webhook-id`, as another delivery with all attempts of its own. The first one stays as it is.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", operation_id = "replay_webhook", tag = "Webhooks",
    params(
        ("id" = uuid::Uuid, Path, description = "Which endpoint"),
        ("delivery" = uuid::Uuid, Path, description = "Which delivery to it"),
    ),
    responses((status = 201, description = "It will be sent within seconds", body = DeliveryView), OfReplay),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn replay(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    DeliveryIds { endpoint, delivery }: DeliveryIds,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let (endpoint, delivery) = (WebhookEndpointId::new(endpoint), WebhookDeliveryId::new(delivery));
    let again = state.app.replay_webhook(&ctx, endpoint, delivery).await?;
    Ok((StatusCode::CREATED, Json(again.into())))
}
