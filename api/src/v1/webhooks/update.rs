use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use muster_application::webhooks::UpdateEndpoint;
use muster_domain::WebhookEndpointId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::read::patch;
use super::view::EndpointView;
use crate::extract::{Id, Tenant};
use crate::openapi::WebhookEventName;
use crate::problem::Problem;
use crate::refusals::{OfBody, OfWebhook};
use crate::state::Shared;
use crate::v1::members::members;

/// What is to change. A member that is absent leaves its field as it is.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct WebhookEndpointUpdate {
    /// Where deliveries go from now on, also those that are on their way.
    #[schema(
        format = "uri",
        max_length = 2048,
        pattern = "^https?://",
        example = "https://example.com/hooks/muster",
        nullable = false
    )]
    url: Option<String>,
    /// The description from now on; `null` clears it.
    #[schema(max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Billing")]
    description: Option<String>,
    /// What it is told of from now on.
    #[schema(value_type = Vec<WebhookEventName>, min_items = 1, required = false)]
    events: Option<Vec<String>>,
    /// Whether it is told anything. What happens while it is disabled it is never told, and what is on its way then is
    /// cancelled.
    #[schema(nullable = false, example = true)]
    enabled: Option<bool>,
}

/// Change an endpoint
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", operation_id = "update_webhook", tag = "Webhooks",
    params(("id" = uuid::Uuid, Path, description = "Which endpoint")),
    request_body(content = WebhookEndpointUpdate, content_type = "application/json"),
    responses(
        (status = 200, description = "The endpoint as it is now", body = EndpointView),
        OfWebhook, OfBody,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn update(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<EndpointView>, Problem> {
    let members = members(&state, &headers, body).await?;
    let (patch, problems) = patch(&members);
    let command = UpdateEndpoint { patch, problems };
    let endpoint = state.app.update_webhook(&ctx, WebhookEndpointId::new(id), command).await?;
    Ok(Json(EndpointView::new(&endpoint, state.clock.now())))
}
