use axum::Json;
use axum::extract::State;
use muster_domain::OperationId;

use super::view::OperationView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfControl;
use crate::state::Shared;

/// Stop an operation between two blocks
///
/// Once this is answered no row is done any more, until somebody resumes the operation. Pausing again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/pause", operation_id = "pause_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which operation")),
    responses((status = 200, description = "The operation is paused", body = OperationView), OfControl),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn pause(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<OperationView>, Problem> {
    let operation = state.app.pause_operation(&ctx, OperationId::new(id)).await?;
    Ok(Json(operation.into()))
}
