use axum::extract::State;
use axum::response::Response;
use muster_domain::TaskId;
use muster_domain::tasks::TaskMove;

use super::view::{TaskView, answer};
use crate::extract::{Id, IfMatch, Tenant};
use crate::problem::Problem;
use crate::refusals::{OfMove, TaskChanged};
use crate::state::Shared;

/// Begin a task that is `todo`
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/start", operation_id = "start_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task"), IfMatch),
    responses(
        (status = 200, description = "The task as it is now", body = TaskView, headers(("ETag" = String))),
        OfMove, TaskChanged,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn start(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    Ok(answer(state.app.move_task(&ctx, TaskId::new(id), TaskMove::Start, expected).await?))
}
