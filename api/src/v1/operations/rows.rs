use axum::Json;
use axum::extract::State;
use muster_application::AppError;
use muster_application::imports::RowProblem;
use muster_domain::OperationId;
use muster_domain::operations::{FailedRow, RowStatus};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cursor;
use crate::extract::{Id, Params, Tenant};
use crate::problem::{Problem, ProblemBody};
use crate::state::ApiState;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// A page of the rows that did not simply succeed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowsView {
    /// By row ascending.
    items: Vec<RowView>,
    /// Whether there are more.
    has_next: bool,
    /// The `cursor` of the next page.
    next_cursor: Option<String>,
}

/// A row that did not simply succeed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationRow)]
pub(crate) struct RowView {
    /// Number of the row, from 1.
    row: u32,
    /// Line of the file on which it starts, from 1.
    line: Option<u64>,
    /// `failed`, or `mail_refused` for a user whose welcome mail was refused for good.
    #[schema(value_type = String, example = "failed")]
    status: &'static str,
    /// The user that the row became.
    user_id: Option<Uuid>,
    /// What is wrong.
    problems: Vec<RowProblemView>,
}

/// One thing that is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowProblemView {
    /// The field at fault; null when the whole row is.
    #[schema(example = "email")]
    field: Option<String>,
    /// Stable code.
    #[schema(example = "invalid_email")]
    code: String,
    /// What is wrong and what would be right.
    detail: String,
}

impl From<RowProblem> for RowProblemView {
    fn from(problem: RowProblem) -> Self {
        let RowProblem { field, code, detail } = problem;
        Self { field: field.map(Into::into), code: code.into(), detail: detail.into() }
    }
}

/// What storage keeps of a row's problems.
pub(crate) fn problems(row: &FailedRow) -> Result<Vec<RowProblem>, Problem> {
    Ok(serde_json::from_str(&row.problems).map_err(AppError::internal)?)
}

/// The rows of an operation that did not simply succeed
#[utoipa::path(
    get, path = "/api/v1/operations/{id}/rows", operation_id = "list_operation_rows", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before"),
        ("limit" = Option<u32>, Query, description = "Rows of a page, default 100", minimum = 1, maximum = 1000),
    ),
    responses(
        (status = 200, body = RowsView),
        (status = 401, description = "No valid tenant token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such operation of this tenant", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The database is down", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn rows(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<RowsView>, Problem> {
    let after = params.get("cursor")?.map_or(Ok(0), cursor::decode)?;
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let id = OperationId::new(id);
    let page = state.app.operation_rows(&ctx, id, after, limit).await?;
    let ids = state.app.operation(&ctx, id).await?.row_ids();
    let view = |row: FailedRow| {
        Ok(RowView {
            row: row.row,
            // Rows of which nobody counted the lines have none.
            line: (row.line > 0).then_some(row.line),
            status: row.status.name(),
            user_id: (row.status == RowStatus::MailRefused).then(|| ids.id(row.row).get()),
            problems: problems(&row)?.into_iter().map(Into::into).collect(),
        })
    };
    Ok(Json(RowsView {
        items: page.items.into_iter().map(view).collect::<Result<_, Problem>>()?,
        has_next: page.next_after.is_some(),
        next_cursor: page.next_after.map(cursor::encode),
    }))
}
