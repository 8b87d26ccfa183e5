//! A row of an operation as a line of a file: as it was uploaded, so that it can be sent again, and what became of it.

use std::borrow::Cow;

use muster_application::AppError;
use muster_application::csv::write_record;
use muster_application::imports::RowProblem;
use muster_application::operations::ExportedRow;
use muster_application::tasks::COLUMNS;
use muster_domain::operations::{MatchBy, Operation, OperationKind, RowStatus};
use muster_domain::{TaskId, UserId};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rows::RowProblemView;

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

/// The columns of an upload of such rows.
pub(super) fn fields(operation: &Operation) -> &'static [&'static str] {
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

/// The header row of CSV.
pub(super) fn write_csv_head(out: &mut Vec<u8>, fields: &[&str]) {
    let results = if is_of_tasks(fields) { RESULTS_OF_TASKS } else { RESULTS };
    write_record(out, fields.iter().chain(results).copied());
}

/// A record of CSV.
pub(super) fn write_csv(out: &mut Vec<u8>, row: &ExportedRow, fields: &[&str]) {
    let problem = |problem: &RowProblem| match &problem.field {
        Some(field) => format!("{field}: {}", problem.detail),
        None => problem.detail.clone().into_owned(),
    };
    let problems: Vec<_> = row.problems.iter().map(problem).collect();
    let about = row.user.map(UserId::get).or_else(|| row.task.map(TaskId::get)).map(|id| id.to_string());
    let values = fields.iter().map(|field| value(row, field));
    let status = Cow::Borrowed(row.status.map_or(PENDING, RowStatus::name));
    let results = [status, about.unwrap_or_default().into(), problems.join("; ").into(), row.row.to_string().into()];
    let cells: Vec<Cow<'_, str>> = values.chain(results).collect();
    write_record(out, cells.iter().map(AsRef::as_ref));
}

/// What a row gave for a column.
fn value<'a>(row: &'a ExportedRow, field: &str) -> Cow<'a, str> {
    let values = &row.values;
    let text = match field {
        "id" => values.id.as_deref(),
        "email" => values.email.as_deref(),
        "username" => values.username.as_deref(),
        "full_name" => values.full_name.as_deref(),
        "is_active" => return values.is_active.map(|flag| flag.to_string()).unwrap_or_default().into(),
        field => return values.task.as_ref().and_then(|said| said.get(field)).map_or(Cow::Borrowed(""), cell),
    };
    Cow::Borrowed(text.unwrap_or_default())
}

/// A line of NDJSON.
pub(super) fn write_ndjson(out: &mut Vec<u8>, row: ExportedRow, fields: &[&str]) -> Result<(), AppError> {
    let written = if is_of_tasks(fields) {
        serde_json::to_writer(&mut *out, &WholeTaskRow::from(row))
    } else {
        serde_json::to_writer(&mut *out, &WholeRow::of(row, fields))
    };
    written.map_err(AppError::internal)?;
    out.push(b'\n');
    Ok(())
}

/// A value of a task as it was given, in one cell: lists with semicolons between their items.
fn cell(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(";").into(),
        other => other.to_string().into(),
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
