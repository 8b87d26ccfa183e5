use axum::extract::State;
use axum::response::Response;
use muster_domain::TaskId;

use super::view::{TaskView, answer};
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTask;
use crate::state::Shared;

/// Bring a deleted task back
///
/// An assignee who was deleted meanwhile is assigned no more. What would have reminded meanwhile does not.
#[utoipa::path(
    put, path = "/api/v1/tasks/{id}/restore", operation_id = "restore_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task")),
    responses(
        (status = 200, description = "The task as it is now", body = TaskView, headers(("ETag" = String))),
        OfTask,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn restore(State(state): State<Shared>, Tenant(ctx): Tenant, Id(id): Id) -> Result<Response, Problem> {
    Ok(answer(state.app.restore_task(&ctx, TaskId::new(id)).await?))
}
