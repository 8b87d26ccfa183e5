use axum::Json;
use axum::extract::State;
use muster_domain::OperationId;

use super::view::OperationView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfOperation;
use crate::state::ApiState;

/// An operation and how far it is
#[utoipa::path(
    get, path = "/api/v1/operations/{id}", operation_id = "get_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which operation")),
    responses(
        (status = 200, description = "How far it is", body = OperationView),
        OfOperation,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<OperationView>, Problem> {
    let operation = state.app.operation(&ctx, OperationId::new(id)).await?;
    Ok(Json(operation.into()))
}
