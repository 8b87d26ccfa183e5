//! The rows of an operation as one file, streamed.

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use muster_application::csv::write_record;
use muster_application::operations::{Export, ExportFilter, ExportedRow};
use muster_application::tasks::COLUMNS;
use muster_application::{AppError, Context};
use muster_domain::operations::{MatchBy, Operation, OperationKind, RowStatus};
use muster_domain::{OperationId, TaskId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rows::RowProblemView;
use crate::extract::Params;
use crate::problem::Problem;
use crate::state::ApiState;

/// The status of rows whose block is not done.
const PENDING: &str = "pending";
/// What rows of the operation may give, by which it can be sent again.
const OF_IMPORTS: &[&str] = &["email", "username", "full_name"];
const OF_IMPORTS_BY_ID: &[&str] = &["id", "email", "username", "full_name"];
const OF_CHANGES: &[&str] = &["id", "email", "username", "full_name", "is_active"];
const OF_TASK_CHANGES: &[&str] = &["id"];
/// What became of them. The number comes last: by it a mended row is retried.
const RESULTS: &[&str] = &["status", "user_id", "problem", "row"];
const RESULTS_OF_TASKS: &[&str] = &["status", "task_id", "problem", "row"];
/// Kinds of files.
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// How rows are answered as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// One object a line.
    Ndjson,
    /// The columns of an upload, and what became of the rows.
    Csv,
}

impl Whole {
    /// What was asked for, in the query or by `Accept`; none for pages of JSON.
    pub(super) fn asked(params: &Params, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let by_name = |name: &str| match name {
            "json" => Some(None),
            "ndjson" => Some(Some(Self::Ndjson)),
            "csv" => Some(Some(Self::Csv)),
            _ => None,
        };
        if let Some(format) = params.read("format", "json, ndjson or csv", by_name)? {
            return Ok(format);
        }
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Ok(Self::best(accepted.flat_map(|value| value.split(','))))
    }

    /// The format that is wanted most; of several the one that is named first. What we do not have is passed over.
    fn best<'a>(accepted: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut best = (None, 0.0);
        for range in accepted {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "text/csv" => Some(Self::Csv),
                "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Ndjson),
                "application/json" | "application/*" | "*/*" => None,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => NDJSON,
            Self::Csv => CSV,
        }
    }

    /// What comes before the first row.
    fn head(self, fields: &'static [&'static str]) -> Bytes {
        let mut head = Vec::new();
        if self == Self::Csv {
            let results = if is_of_tasks(fields) { RESULTS_OF_TASKS } else { RESULTS };
            write_record(&mut head, fields.iter().chain(results).copied());
        }
        head.into()
    }

    fn write(self, out: &mut Vec<u8>, row: ExportedRow, fields: &'static [&'static str]) -> Result<(), AppError> {
        match self {
            Self::Ndjson => {
                let written = if is_of_tasks(fields) {
                    serde_json::to_writer(&mut *out, &WholeTaskRow::from(row))
                } else {
                    serde_json::to_writer(&mut *out, &WholeRow::of(row, fields))
                };
                written.map_err(AppError::internal)?;
                out.push(b'\n');
            }
            Self::Csv => write_csv(out, &row, fields),
        }
        Ok(())
    }

    /// Answers with the file.
    pub(super) async fn answer(
        self,
        state: &ApiState,
        ctx: &Context,
        id: Uuid,
        params: &Params,
    ) -> Result<Response, Problem> {
        for name in ["cursor", "limit"] {
            if params.get(name)?.is_some() {
                let detail = format!("{name} is for pages of JSON; a file has all rows");
                return Err(Problem::invalid(format!("/query/{name}"), "invalid_parameter", detail));
            }
        }
        let right = "all, failed, mail_refused, created, skipped or pending";
        let filter = params.read("status", right, ExportFilter::from_name)?.unwrap_or(ExportFilter::All);
        let export = state.app.export_rows(ctx, OperationId::new(id), filter).await?;
        let part = params.get("status")?.filter(|_| filter != ExportFilter::All);
        let part = part.map(|name| format!("-{name}")).unwrap_or_default();
        let file = format!("attachment; filename=\"operation-{id}{part}.{}\"", self.extension());
        let mut response = Body::from_stream(self.stream(export, id)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type()));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        if let Ok(file) = HeaderValue::try_from(file) {
            headers.insert(CONTENT_DISPOSITION, file);
        }
        Ok(response)
    }

    /// Pages are read as the client takes them. A page that cannot be read breaks the answer off, so that nobody takes half
    /// a file for all of it.
    fn stream(self, export: Export, id: Uuid) -> impl Stream<Item = Result<Bytes, AppError>> + Send + 'static {
        let fields = fields(export.operation());
        let pages = stream::try_unfold(export, move |mut export| async move {
            let Some(page) = export.next_page().await? else { return Ok(None) };
            let mut out = Vec::new();
            for row in page {
                self.write(&mut out, row, fields)?;
            }
            Ok(Some((Bytes::from(out), export)))
        });
        let pages = pages.inspect_err(move |error| broke_off(id, error));
        stream::once(async move { Ok(self.head(fields)) }).chain(pages)
    }
}

/// Said here, because the answer has begun and can only end.
pub(super) fn broke_off(operation: Uuid, error: &AppError) {
    let source = error.source.as_deref().map(|source| source as &dyn std::error::Error);
    tracing::warn!(operation.id = %operation, code = error.code.name(), error = source, "a download broke off");
}

fn fields(operation: &Operation) -> &'static [&'static str] {
    match operation.kind {
        OperationKind::UsersImport if operation.options.match_by == MatchBy::Id => OF_IMPORTS_BY_ID,
        OperationKind::UsersImport => OF_IMPORTS,
        OperationKind::TasksImport => &COLUMNS,
        kind if kind.is_of_tasks() => OF_TASK_CHANGES,
        _ => OF_CHANGES,
    }
}

fn is_of_tasks(fields: &[&str]) -> bool {
    fields == COLUMNS || fields == OF_TASK_CHANGES
}

fn write_csv(out: &mut Vec<u8>, row: &ExportedRow, fields: &[&str]) {
    let problem = |problem: &muster_application::imports::RowProblem| match &problem.field {
        Some(field) => format!("{field}: {}", problem.detail),
        None => problem.detail.clone().into_owned(),
    };
    let problems: Vec<_> = row.problems.iter().map(problem).collect();
    let about = row.user.map(UserId::get).or_else(|| row.task.map(TaskId::get)).map(|id| id.to_string());
    let is_active = row.values.is_active.map(|is_active| is_active.to_string());
    if fields == COLUMNS {
        let cells =
            COLUMNS.map(|name| row.values.task.as_ref().and_then(|said| said.get(name)).map_or_else(String::new, cell));
        let results = [row.status.map_or(PENDING, RowStatus::name), about.as_deref().unwrap_or_default()];
        let tail = [problems.join("; "), row.row.to_string()];
        let texts = cells.iter().map(String::as_str).chain(results).chain(tail.iter().map(String::as_str));
        return write_record(out, texts);
    }
    let values = fields.iter().map(|field| match *field {
        "email" => row.values.email.as_deref(),
        "username" => row.values.username.as_deref(),
        "full_name" => row.values.full_name.as_deref(),
        "id" => row.values.id.as_deref(),
        _ => is_active.as_deref(),
    });
    let (status, problems) = (row.status.map_or(PENDING, RowStatus::name), problems.join("; "));
    let results = [status, about.as_deref().unwrap_or_default(), &problems, &row.row.to_string()];
    write_record(out, values.map(Option::unwrap_or_default).chain(results));
}

/// A value of a task as it was given, in one cell: lists with semicolons between their items.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

/// A row about a task as a line of NDJSON.
#[derive(Serialize)]
struct WholeTaskRow {
    row: u32,
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(flatten)]
    said: Map<String, Value>,
    status: &'static str,
    task_id: Option<Uuid>,
    problems: Vec<RowProblemView>,
}

impl From<ExportedRow> for WholeTaskRow {
    fn from(row: ExportedRow) -> Self {
        Self {
            row: row.row,
            line: row.line,
            id: row.values.id,
            said: row.values.task.map(|said| *said).unwrap_or_default(),
            status: row.status.map_or(PENDING, RowStatus::name),
            task_id: row.task.map(TaskId::get),
            problems: row.problems.into_iter().map(Into::into).collect(),
        }
    }
}

/// A row as a line of NDJSON: what was uploaded, so that it can be sent again, and what became of it.
#[derive(Serialize)]
struct WholeRow {
    row: u32,
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    email: Option<String>,
    username: Option<String>,
    /// Absent, not null, where null would clear it.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    status: &'static str,
    user_id: Option<Uuid>,
    problems: Vec<RowProblemView>,
}

impl WholeRow {
    fn of(row: ExportedRow, fields: &[&str]) -> Self {
        let values = row.values;
        let leaves_name = fields == OF_CHANGES && values.full_name.is_none() && !values.clears_name;
        Self {
            row: row.row,
            line: row.line,
            id: values.id,
            email: values.email,
            username: values.username,
            full_name: (!leaves_name).then(|| values.full_name.into()),
            is_active: values.is_active,
            status: row.status.map_or(PENDING, RowStatus::name),
            user_id: row.user.map(UserId::get),
            problems: row.problems.into_iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_is_accepted_most() {
        for (accept, format) in [
            ("", None),
            ("*/*", None),
            ("application/json", None),
            ("text/csv", Some(Whole::Csv)),
            ("Text/CSV; charset=utf-8", Some(Whole::Csv)),
            ("application/x-ndjson", Some(Whole::Ndjson)),
            ("application/jsonl, text/csv", Some(Whole::Ndjson)),
            ("application/json;q=0.5, text/csv;q=0.9", Some(Whole::Csv)),
            ("text/csv;q=0.5, */*", None),
            ("text/csv;q=0, */*;q=0.1", None),
            ("image/png, text/csv;q=0.1", Some(Whole::Csv)),
            ("text/csv;q=x", None),
        ] {
            assert_eq!(Whole::best(accept.split(',')), format, "{accept}");
        }
    }
}
