use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::TaskId;

use crate::extract::{Id, IfMatch, Tenant};
use crate::problem::Problem;
use crate::refusals::{OfTask, TaskChanged};
use crate::state::Shared;

/// Delete a task; it can be restored, and nobody is reminded of it
#[utoipa::path(
    delete, path = "/api/v1/tasks/{id}", operation_id = "delete_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task"), IfMatch),
    responses((status = 204, description = "Deleted"), OfTask, TaskChanged),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    state.app.delete_task(&ctx, TaskId::new(id), expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
