use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use muster_application::tasks::{CreateTask, read_fields};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::{TaskView, etag};
use crate::body::{BodyReader, Encoding};
use crate::extract::{IdempotencyKey, Tenant};
use crate::media::require_json;
use crate::openapi::TaskPriorityName;
use crate::problem::Problem;
use crate::refusals::{KeyInUse, OfBody, OfTenant};
use crate::state::Shared;

/// Largest body about one task, after decompression: a description alone may have 40 000 bytes.
pub(super) const MAX_BYTES: u64 = 256 * 1024;
/// What the digest of a request begins with: the same body sent elsewhere is another request.
const ROUTE: &[u8] = b"POST /api/v1/tasks\0";

/// A word by which a task is found again.
#[derive(Deserialize, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 50,
    pattern = r"^[^\u0000-\u001f\u007f-\u009f,;]*[^\u0000-\u001f\u007f-\u009f,;\s][^\u0000-\u001f\u007f-\u009f,;]*$",
    example = "calls"
)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document")]
pub(crate) struct TaskTag(String);

/// A new task.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct TaskCreate {
    /// What it is called: one line.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*[^\u0000-\u001f\u007f-\u009f\s][^\u0000-\u001f\u007f-\u009f]*$",
        example = "Call Ada"
    )]
    title: String,
    /// What is to be done.
    #[schema(
        max_length = 10_000,
        pattern = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$",
        example = "She knows how it works."
    )]
    description: Option<String>,
    /// How much it matters; `normal` if it is not said.
    #[schema(value_type = Option<TaskPriorityName>, nullable = false)]
    priority: Option<String>,
    /// The living user who is to do it.
    #[schema(format = Uuid, example = json!(null))]
    assignee_id: Option<String>,
    /// The living user who wants it and is told when it is overdue; whoever asks, if they are a user and it is not said.
    #[schema(format = Uuid, example = json!(null))]
    creator_id: Option<String>,
    /// When it is to be done; its assignee is told then.
    #[schema(example = "2026-01-31T12:00:00Z")]
    due_at: Option<DateTime<Utc>>,
    /// When its assignee is reminded besides. Dates that are over remind nobody.
    #[schema(max_items = 20, example = json!(["2026-01-30T12:00:00Z"]))]
    remind_at: Option<Vec<DateTime<Utc>>>,
    /// By what it is found again.
    #[schema(max_items = 20, example = json!(["calls"]))]
    tags: Option<Vec<TaskTag>>,
    /// How it comes again: a rule of RFC 5545 that is daily, weekly with `BYDAY`, or monthly with `BYMONTHDAY`, with
    /// `INTERVAL`, `COUNT` or `UNTIL`. It needs `due_at`.
    #[schema(max_length = 200, example = "FREQ=WEEKLY;BYDAY=SA")]
    recurrence: Option<String>,
}

/// Make a task
#[utoipa::path(
    post, path = "/api/v1/tasks", operation_id = "create_task", tag = "Tasks",
    params(IdempotencyKey),
    request_body(content = TaskCreate, content_type = "application/json"),
    responses(
        (status = 201, description = "The task is there", body = TaskView, headers(("Location" = String, description = "The task"), ("ETag" = String), ("Idempotent-Replayed" = String))),
        OfTenant, OfBody, KeyInUse,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn create(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    require_json(&headers)?;
    let body = BodyReader::new(body, Encoding::of(&headers)?, MAX_BYTES, state.limits.idle).whole().await?;
    let members: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| Problem::invalid("", "invalid_json", "the body must be a JSON object"))?;
    let (fields, problems) = read_fields(&members);
    let digest = || blake3::Hasher::new().update(ROUTE).update(&body).finalize().into();
    let key = key.as_deref().map(|key| (key, digest()));
    let created = state.app.create_task(&ctx, CreateTask { fields, problems, key }).await?;
    let task = created.task;
    let place = [(header::LOCATION, format!("/api/v1/tasks/{}", task.id)), (header::ETAG, etag(&task))];
    let mut response = (StatusCode::CREATED, place, Json(TaskView::from(task))).into_response();
    if created.replayed {
        let name = HeaderName::from_static("idempotent-replayed");
        response.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
    Ok(response)
}
