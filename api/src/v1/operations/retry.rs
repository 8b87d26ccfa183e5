use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use muster_application::imports::ImportRow;
use muster_application::operations::Retry;
use muster_domain::OperationId;
use muster_domain::operations::{MatchBy, Operation, OperationKind, UploadFormat};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::begin::answer;
use super::follow;
use super::view::OperationView;
use crate::body::{BodyReader, Encoding};
use crate::extract::{Id, IdempotencyKey, Prefer, Tenant};
use crate::formats::{CsvReader, Fields, NdjsonReader, RowReader, read_corrected};
use crate::problem::Problem;
use crate::refusals::{OfBody, OfControl};
use crate::state::Shared;
use crate::v1::users::batch::format_of;

/// Corrected rows of a request; the rest is retried as it was.
const MAX_CORRECTED: usize = 10_000;
const NDJSON: &str = "{\"row\":7,\"email\":\"ada@example.com\"}\n";
const CSV: &str = "row,email\n7,ada@example.com\n";

/// Corrected rows: at most 10 000.
#[derive(Deserialize, ToSchema)]
#[schema(as = RetryRequest)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct RetryRequest {
    /// Each with the number of the row that it corrects.
    #[schema(max_items = 10_000)]
    rows: Vec<CorrectedRow>,
}

/// A corrected row: what it does not give stays as it was.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct CorrectedRow {
    /// Number of the failed row.
    #[schema(minimum = 1, maximum = 2_147_483_647, example = 7)]
    row: u32,
    /// The e-mail address.
    #[schema(example = "ada@example.com", nullable = false)]
    email: Option<String>,
    /// The user name.
    #[schema(example = "ada", nullable = false)]
    username: Option<String>,
    /// The name.
    #[schema(example = "Ada Lovelace", nullable = false)]
    full_name: Option<String>,
}

/// Do again what failed
///
/// An operation of its own for the rows that failed and were not done since, as they were or as the body corrects them, by
/// number of the row: as JSON, NDJSON or CSV with a `row` column. `merged` of the parent and its rows show what became of
/// them in the end. One retry at a time; ask for it again on the parent to go on with what failed again.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/retry", operation_id = "retry_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which operation"), IdempotencyKey, Prefer),
    request_body(content(
        (RetryRequest = "application/json"),
        (String = "application/x-ndjson", example = json!(NDJSON)),
        (String = "text/csv", example = json!(CSV)),
    )),
    responses(
        (status = 200, description = "The retry has ended within the wait", body = OperationView, headers(("Location" = String, description = "The retry"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The retry is stored; follow it", body = OperationView, headers(("Location" = String, description = "The retry"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfControl, OfBody,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn retry(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    key: IdempotencyKey,
    prefer: Prefer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let operation = state.app.operation(&ctx, OperationId::new(id)).await?;
    let encoding = Encoding::of(&headers)?;
    let body = BodyReader::new(body, encoding, state.limits.json_bytes, state.limits.idle).whole().await?;
    let corrected = if body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        Vec::new()
    } else {
        corrected(format_of(&headers)?, &body, fields(&operation))?
    };
    let retry = Retry { operation: operation.id, corrected, body: &body, key: key.0 };
    let mut submitted = state.app.retry_operation(&ctx, retry).await?;
    submitted.operation = follow(&state.app, &ctx, submitted.operation, prefer.wait.unwrap_or_default()).await?;
    Ok(answer(submitted, prefer))
}

/// What rows of the operation may say.
fn fields(operation: &Operation) -> Fields {
    let match_by = operation.options.match_by;
    match operation.kind {
        OperationKind::UsersImport if match_by == MatchBy::Id => Fields::IMPORT_BY_ID,
        OperationKind::UsersImport => Fields::IMPORT,
        OperationKind::TasksImport => Fields::TASKS,
        kind if kind.is_of_tasks() => Fields::TASK_CHANGE,
        _ => Fields::change(match_by),
    }
}

fn corrected(format: UploadFormat, body: &[u8], fields: Fields) -> Result<Vec<ImportRow<'static>>, Problem> {
    let mut rows = Vec::new();
    let mut reader: Box<dyn RowReader> = match format {
        UploadFormat::Json => return of_json(body, fields),
        UploadFormat::Ndjson => Box::new(NdjsonReader::new(fields.corrected())),
        UploadFormat::Csv => Box::new(CsvReader::new(fields.corrected())),
    };
    let mut take = |row: ImportRow<'_>| {
        // One more than there may be, so that it shows.
        if rows.len() <= MAX_CORRECTED {
            rows.push(row.into_owned());
        }
    };
    reader.push(body, &mut take)?;
    reader.finish(&mut take)?;
    check(rows)
}

fn of_json(body: &[u8], fields: Fields) -> Result<Vec<ImportRow<'static>>, Problem> {
    let right =
        || Problem::invalid("", "invalid_json", "the body must be a JSON object with rows, an array of objects");
    let body: Value = serde_json::from_slice(body).map_err(|_| right())?;
    let rows = body.get("rows").and_then(Value::as_array).ok_or_else(right)?;
    let read = |(position, row): (u64, &Value)| {
        let row = row.to_string();
        read_corrected(row.as_bytes(), position, fields).map(ImportRow::into_owned).ok_or_else(right)
    };
    check((1..).zip(rows).take(MAX_CORRECTED + 1).map(read).collect::<Result<_, _>>()?)
}

fn check(rows: Vec<ImportRow<'static>>) -> Result<Vec<ImportRow<'static>>, Problem> {
    if rows.len() > MAX_CORRECTED {
        let detail = format!("at most {MAX_CORRECTED} rows may be corrected; retry these first, then the others");
        return Err(Problem::invalid("", "too_many_rows", detail));
    }
    Ok(rows)
}
