use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_application::{App, Context};
use muster_domain::TaskId;
use muster_domain::operations::{Operation, OperationKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::TaskCreate;
use super::view::TaskView;
use crate::extract::{IdempotencyKey, Params, Prefer, Uploader};
use crate::openapi::OnErrorName;
use crate::problem::{ErrorDetail, Problem};
use crate::refusals::{KeyInUse, OfBody, OfTenant};
use crate::state::Shared;
use crate::v1::operations::view::OperationView;
use crate::v1::users::batch::{RowErrors, Sent, take};

/// Bodies as they may be.
const NDJSON: &str = "{\"title\":\"Call Ada\",\"due_at\":\"2026-01-31T12:00:00Z\",\"tags\":[\"calls\"]}\n";
const CSV: &str = "title,priority,due_at,tags\nCall Ada,high,2026-01-31T12:00:00Z,calls;ada\n";

/// The JSON body. For documentation only: the body is read as it streams in.
#[derive(Deserialize, ToSchema)]
#[schema(as = TaskBatchRequest)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; rows are read one by one instead")]
pub(crate) struct TaskBatch {
    /// 1 to 10 000 tasks.
    #[schema(min_items = 1, max_items = 10_000)]
    tasks: Vec<TaskCreate>,
    /// `abort` (default: all or nothing) or `continue`.
    #[schema(value_type = Option<OnErrorName>)]
    on_error: Option<String>,
    /// How many rows may fail before the operation is paused, as a number or as a share of all rows.
    #[schema(example = "0.5%")]
    max_errors: Option<String>,
    /// Whether to tell only what would become of the rows; default false.
    #[schema(example = false)]
    dry_run: Option<bool>,
}

/// What a batch made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskBatchCreated)]
pub(crate) struct TasksCreated {
    /// The new tasks, in the order of the request.
    created: Vec<TaskView>,
    /// How many were made.
    #[schema(example = 1)]
    total: u64,
    /// The same for people.
    #[schema(example = "1 task created")]
    message: String,
    /// The operation that made them.
    operation_id: Uuid,
    /// Rows that failed; none unless `on_error` is `continue`.
    #[schema(example = 0)]
    failed: u64,
    /// Why they failed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!([]))]
    errors: Vec<ErrorDetail>,
}

impl TasksCreated {
    pub(crate) async fn of(app: &App, ctx: &Context, operation: &Operation) -> Result<Self, Problem> {
        let (total, failed) = (operation.progress.created, operation.progress.failed);
        let rows = u32::try_from(operation.progress.rows_total).unwrap_or(u32::MAX);
        let ids: Vec<TaskId> = (1..=rows).map(|row| operation.task_of(row)).collect();
        let created = app.tasks_by_id(ctx, &ids).await?.into_iter().map(TaskView::from).collect();
        let errors = if failed > 0 { RowErrors::of(app, ctx, operation).await?.errors } else { Vec::new() };
        let tasks = if total == 1 { "task" } else { "tasks" };
        let message = match failed {
            0 => format!("{total} {tasks} created"),
            _ => format!("{total} {tasks} created, {failed} failed"),
        };
        Ok(Self { created, total, message, operation_id: operation.id.get(), failed, errors })
    }
}

/// Make tasks, few or many
///
/// JSON takes up to 10 000 tasks, NDJSON and CSV (header row of the names of fields in any order, lists with semicolons between
/// their items) up to 5 million. The body may be compressed (`Content-Encoding: gzip` or `zstd`). Up to 100 JSON tasks are
/// answered when they are done; anything larger at once, with an operation to follow.
#[utoipa::path(
    post, path = "/api/v1/tasks/batch", operation_id = "create_tasks", tag = "Tasks",
    params(
        ("on_error" = inline(Option<OnErrorName>), Query, description = "`continue` (default for NDJSON and CSV) or `abort` (default for JSON)"),
        ("max_errors" = Option<String>, Query, description = "How many rows may fail before the operation is paused, as a number or as a share of all rows; default any", example = "0.5%", pattern = r"^([0-9]{1,9}|[0-9]{1,2}(\.[0-9]{1,2})?%|100%)$"),
        ("dry_run" = Option<bool>, Query, description = "Write nothing: a plan that tells what would become of each row, and that `apply` does as it is", example = false),
        IdempotencyKey,
        Prefer,
    ),
    request_body(content(
        (TaskBatch = "application/json"),
        (String = "application/x-ndjson", example = json!(NDJSON)),
        (String = "text/csv", example = json!(CSV)),
    )),
    responses(
        (status = 201, description = "JSON: the tasks are there", body = TasksCreated, headers(("Location" = String, description = "The operation"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 200, description = "NDJSON, CSV and dry runs: the operation has ended within the wait", body = OperationView, headers(("Location" = String, description = "The operation"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "Everything is stored; follow the operation", body = OperationView, headers(("Location" = String, description = "The operation"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfTenant, OfBody, KeyInUse,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn batch(
    State(state): State<Shared>,
    Uploader(ctx): Uploader,
    key: IdempotencyKey,
    prefer: Prefer,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    take(&state, ctx, OperationKind::TasksImport, Sent { key, prefer, params, headers, body }).await
}
