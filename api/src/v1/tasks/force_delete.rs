use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::TaskId;

use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTask;
use crate::state::Shared;

/// Remove a task for good, alive or deleted
#[utoipa::path(
    delete, path = "/api/v1/tasks/{id}/force", operation_id = "force_delete_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task")),
    responses((status = 204, description = "Removed"), OfTask),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn force_delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    state.app.force_delete_task(&ctx, TaskId::new(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
