use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use muster_application::webhooks::UpdateEndpoint;
use serde::Deserialize;
use utoipa::ToSchema;

use super::read::patch;
use super::view::SecretView;
use crate::extract::Tenant;
use crate::openapi::WebhookEventName;
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant, TooMany};
use crate::state::Shared;
use crate::v1::members::members;

/// A new endpoint.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct WebhookEndpointCreate {
    /// Where deliveries go: over TLS, to the public internet, without a user name, a password or a part behind `#`. A key may
    /// be in path or query.
    #[schema(format = "uri", max_length = 2048, pattern = "^https?://", example = "https://example.com/hooks/muster")]
    url: String,
    /// For people; one line.
    #[schema(max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Billing")]
    description: Option<String>,
    /// What it is told of.
    #[schema(value_type = Vec<WebhookEventName>, min_items = 1)]
    events: Vec<String>,
}

/// Make an endpoint
///
/// It is told of what happens from now on. The answer has the secret by which deliveries can be checked; it is given this
/// once. A tenant has at most 20 endpoints.
#[utoipa::path(
    post, path = "/api/v1/webhooks", operation_id = "create_webhook", tag = "Webhooks",
    request_body(content = WebhookEndpointCreate, content_type = "application/json"),
    responses(
        (status = 201, description = "The endpoint is there", body = SecretView, headers(("Location" = String, description = "The endpoint"))),
        OfTenant, OfBody, TooMany,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn create(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let members = members(&state, &headers, body).await?;
    let (patch, problems) = patch(&members);
    let endpoint = state.app.create_webhook(&ctx, UpdateEndpoint { patch, problems }).await?;
    let location = [(header::LOCATION, format!("/api/v1/webhooks/{}", endpoint.id))];
    Ok((StatusCode::CREATED, location, Json(SecretView::new(&endpoint, state.clock.now()))))
}
