use axum::Json;
use axum::extract::State;
use muster_domain::OperationId;

use super::view::OperationView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfControl;
use crate::state::ApiState;

/// End an operation where it is
///
/// What is done stays. Once this is answered no row is done any more. Cancelling again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/cancel", operation_id = "cancel_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which operation")),
    responses((status = 200, description = "The operation is cancelled", body = OperationView), OfControl),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn cancel(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<OperationView>, Problem> {
    let operation = state.app.cancel_operation(&ctx, OperationId::new(id)).await?;
    Ok(Json(operation.into()))
}
