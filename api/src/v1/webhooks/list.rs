use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::EndpointView;
use crate::extract::Tenant;
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

/// All endpoints of a tenant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoints)]
pub(crate) struct EndpointsView {
    /// The eldest first.
    items: Vec<EndpointView>,
}

/// The endpoints of the tenant, the eldest first
///
/// There are 20 at most, so there are no pages.
#[utoipa::path(
    get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "Webhooks",
    responses((status = 200, description = "All of them", body = EndpointsView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn list(State(state): State<Shared>, Tenant(ctx): Tenant) -> Result<Json<EndpointsView>, Problem> {
    let (all, now) = (state.app.webhooks(&ctx).await?, state.clock.now());
    Ok(Json(EndpointsView { items: all.iter().map(|endpoint| EndpointView::new(endpoint, now)).collect() }))
}
