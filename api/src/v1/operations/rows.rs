use axum::Json;
use axum::extract::State;
use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use muster_application::Context;
use muster_application::imports::RowProblem;
use muster_application::operations::{OperationRow, RowFilter};
use muster_domain::{OperationId, TaskId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::whole::Whole;
use crate::cursor::Cursor;
use crate::extract::{Id, Params, Tenant};
use crate::openapi::{RowFilterName, RowStatusName, RowsFormatName};
use crate::problem::{Problem, pointer};
use crate::refusals::OfOperation;
use crate::state::{ApiState, Shared};

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
const VARY_BY_ACCEPT: [(HeaderName, &str); 1] = [(VARY, "accept")];

/// Files as they may be.
const NDJSON: &str = "{\"row\":7,\"line\":8,\"email\":\"ada\",\"username\":\"ada\",\"full_name\":null,\"status\":\"failed\",\"user_id\":null,\"problems\":[{\"field\":\"email\",\"pointer\":\"/email\",\"code\":\"invalid_email\",\"detail\":\"must be an e-mail address such as ada@example.com\"}]}\n";
const CSV: &str = "email,username,full_name,status,user_id,problem,row\nada,ada,,failed,,email: must be an e-mail address such as ada@example.com,7\n";

/// A page of the rows of an operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationRowPage)]
pub(crate) struct RowsView {
    /// By row ascending.
    items: Vec<RowView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// A row of an operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationRow)]
pub(crate) struct RowView {
    /// Number of the row, from 1.
    #[schema(example = 7)]
    row: u32,
    /// Line of the file on which it starts, from 1; null for users, of whom the line is not kept.
    #[schema(example = 8)]
    line: Option<u64>,
    /// `failed`, `created`, `mail_refused` for a user whose welcome mail was refused for good, or `skipped` for a good
    /// row of an upload that is all or nothing and has a bad one.
    #[schema(value_type = RowStatusName)]
    status: &'static str,
    /// The user that the row became or is about.
    #[schema(example = json!(null))]
    user_id: Option<Uuid>,
    /// The task that the row became or is about; of operations on tasks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "01981c5e-7a00-7000-8000-000000000001")]
    task_id: Option<Uuid>,
    /// What is wrong.
    problems: Vec<RowProblemView>,
    /// The retry in which that became of it; null when it was not retried, or failed again.
    #[schema(example = json!(null))]
    retried_by: Option<Uuid>,
}

/// One thing that is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RowProblem)]
pub(crate) struct RowProblemView {
    /// The field at fault; null when the whole row is.
    #[schema(example = "email")]
    field: Option<String>,
    /// The same as a JSON pointer into the user; empty when the whole row is at fault.
    #[schema(example = "/email")]
    pointer: String,
    /// Stable code.
    #[schema(example = "invalid_email")]
    code: String,
    /// What is wrong and what would be right.
    #[schema(example = "must be an e-mail address such as ada@example.com")]
    detail: String,
}

impl From<RowProblem> for RowProblemView {
    fn from(problem: RowProblem) -> Self {
        let pointer = pointer(&problem);
        let RowProblem { field, code, detail } = problem;
        Self { field: field.map(Into::into), pointer, code: code.into(), detail: detail.into() }
    }
}

impl From<OperationRow> for RowView {
    fn from(row: OperationRow) -> Self {
        Self {
            row: row.row,
            line: row.line,
            status: row.status.name(),
            user_id: row.user.map(UserId::get),
            task_id: row.task.map(TaskId::get),
            problems: row.problems.into_iter().map(Into::into).collect(),
            retried_by: row.retried_by.map(OperationId::get),
        }
    }
}

/// The rows of an operation and what became of them
///
/// As pages of JSON: without `status`, those with a problem: failed rows, and users whose welcome mail was refused. Rows are
/// listed as soon as their block of 10 000 is done.
///
/// As one file, with `format` or by `Accept`: without `status`, all rows as they were uploaded, with what became of each;
/// those that are not done are `pending`.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}/rows", operation_id = "list_operation_rows", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("status" = inline(Option<RowFilterName>), Query, description = "Only rows of this status, or `all`; `pending` only of a file"),
        ("format" = inline(Option<RowsFormatName>), Query, description = "`json` for pages, `ndjson` or `csv` for one file; without it, what `Accept` says, or `json`"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoxMDAsInZhbHVlIjoiMDE5ODFjNWUtN2EwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAxIn0"),
        ("limit" = Option<u32>, Query, description = "Rows of a page, default 100", example = 100, minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, description = "A page, or a file", content(
            (RowsView = "application/json"),
            (String = "application/x-ndjson", example = json!(NDJSON)),
            (String = "text/csv", example = json!(CSV)),
        ), headers(("Content-Disposition" = String, description = "The name of a file"))),
        OfOperation,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn rows(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match Whole::asked(&params, &headers)? {
        Some(whole) => whole.answer(&state, &ctx, id, &params).await,
        None => Ok((VARY_BY_ACCEPT, page(&state, &ctx, id, &params).await?).into_response()),
    }
}

async fn page(state: &ApiState, ctx: &Context, id: Uuid, params: &Params) -> Result<Json<RowsView>, Problem> {
    let right = "all, failed, mail_refused, created or skipped";
    let filter = params.read("status", right, RowFilter::from_name)?.unwrap_or(RowFilter::Reported);
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    // A cursor of another operation would begin anywhere.
    let after = Cursor::<u32>::of(params, |cursor| cursor.value == id)?.map_or(0, |cursor| cursor.sort_value);
    let page = state.app.operation_rows(ctx, OperationId::new(id), filter, after, limit).await?;
    let next = page.next_after.map(|row| Cursor { sort_value: row, value: id });
    Ok(Json(RowsView {
        items: page.items.into_iter().map(Into::into).collect(),
        has_next: next.is_some(),
        next_cursor: next.and_then(|next| next.encode()),
    }))
}
