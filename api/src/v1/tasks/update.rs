use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use muster_application::tasks::{UpdateTask, read_fields};
use muster_domain::TaskId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::create::{MAX_BYTES, TaskTag};
use super::view::{TaskView, answer};
use crate::extract::{Id, IfMatch, Tenant};
use crate::openapi::TaskPriorityName;
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTask, TaskChanged};
use crate::state::Shared;
use crate::v1::members::members_within;

/// What is to change. A member that is absent leaves its field as it is; a list is replaced as a whole.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct TaskUpdate {
    /// What it is called from now on: one line.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u001f\u007f-\u009f\s][^\u0000-\u001f\u007f-\u009f]*$",
        example = "Call Ada",
        nullable = false
    )]
    title: Option<String>,
    /// What is to be done; `null` clears it.
    #[schema(
        max_length = 10_000,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
        example = "She knows how it works."
    )]
    description: Option<String>,
    /// How much it matters.
    #[schema(value_type = Option<TaskPriorityName>, nullable = false)]
    priority: Option<String>,
    /// The living user who is to do it; `null` is nobody.
    #[schema(format = Uuid, example = json!(null))]
    assignee_id: Option<String>,
    /// When it is to be done; `null` is never.
    #[schema(example = "2026-01-31T12:00:00Z")]
    due_at: Option<DateTime<Utc>>,
    /// When its assignee is reminded besides. Dates that are over when they are set remind nobody.
    #[schema(max_items = 20, example = json!(["2026-01-30T12:00:00Z"]))]
    remind_at: Option<Vec<DateTime<Utc>>>,
    /// By what it is found again.
    #[schema(max_items = 20, example = json!(["calls"]))]
    tags: Option<Vec<TaskTag>>,
    /// How it comes again, from its date on; `null` ends its series. It needs `due_at`.
    #[schema(max_length = 200, example = "FREQ=WEEKLY;BYDAY=SA")]
    recurrence: Option<String>,
}

/// Change a task
#[utoipa::path(
    patch, path = "/api/v1/tasks/{id}", operation_id = "update_task", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which task"), IfMatch),
    request_body(content = TaskUpdate, content_type = "application/json"),
    responses(
        (status = 200, description = "The task as it is now", body = TaskView, headers(("ETag" = String))),
        OfTask, OfBody, TaskChanged,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn update(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let members = members_within(&state, &headers, body, MAX_BYTES).await?;
    let (fields, problems) = read_fields(&members);
    let command = UpdateTask { id: TaskId::new(id), fields, problems, expected };
    Ok(answer(state.app.update_task(&ctx, command).await?))
}
