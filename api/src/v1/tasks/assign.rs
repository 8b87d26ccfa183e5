use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_domain::TaskId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{TaskView, answer};
use crate::extract::{Id, IfMatch, Tenant};
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTask, TaskChanged};
use crate::state::Shared;
use crate::v1::members::members;

/// Who is to do a task.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct TaskAssign {
    /// A living user, or `null` for nobody.
    #[schema(format = Uuid, required, example = json!(null))]
    assignee_id: Option<String>,
}

/// Give a task to somebody, or to nobody
#[utoipa::path(
    post, path = "/api/v1/tasks/{id}/assign", operation_id = "assign_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task"), IfMatch),
    request_body(content = TaskAssign, content_type = "application/json"),
    responses(
        (status = 200, description = "The task as it is now", body = TaskView, headers(("ETag" = String))),
        OfTask, OfBody, TaskChanged,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn assign(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let members = members(&state, &headers, body).await?;
    Ok(answer(state.app.assign_task(&ctx, TaskId::new(id), &members, expected).await?))
}
