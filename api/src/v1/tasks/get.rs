use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_domain::TaskId;

use super::view::{TaskView, answer, etag};
use crate::extract::{Id, Tenant, has_current};
use crate::problem::Problem;
use crate::refusals::OfTask;
use crate::state::Shared;

/// A task
#[utoipa::path(
    get, path = "/api/v1/tasks/{id}", operation_id = "get_task", tag = "Tasks",
    params(
        ("id" = uuid::Uuid, Path, description = "Which task"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` the client has", example = "\"v1\""),
    ),
    responses(
        (status = 200, description = "The task", body = TaskView, headers(("ETag" = String))),
        (status = 304, description = "The client has the task as it is", headers(("ETag" = String))),
        OfTask,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let task = state.app.task(&ctx, TaskId::new(id)).await?;
    let etag = etag(&task);
    if has_current(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    Ok(answer(task))
}
