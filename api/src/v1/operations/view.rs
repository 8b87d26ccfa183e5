use chrono::{DateTime, Utc};
use muster_domain::operations::{Operation, OperationFailure};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::file_view::FileView;
use super::progress_view::{MergedView, PauseView, PlanView, ProgressView};
use crate::openapi::{FormatName, KindName, MatchName, OnConflictName, OnErrorName, RelationName, StateName};
use crate::v1::time;

/// A long-running operation as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub(crate) struct OperationView {
    /// Identity.
    id: Uuid,
    /// What it does.
    #[schema(value_type = KindName)]
    kind: &'static str,
    /// `receiving`, `queued`, `running`, `paused`, `succeeded`, `partially_succeeded`, `failed`, `cancelled` or `undone`.
    #[schema(value_type = StateName)]
    state: &'static str,
    /// How its rows came in, or its file is written: `json`, `ndjson` or `csv`.
    #[schema(value_type = FormatName)]
    format: &'static str,
    /// The operation that it is about: of an undo, the one that it undoes.
    #[schema(example = json!(null))]
    parent_id: Option<Uuid>,
    /// What it does about it: `undo`, `apply` or `retry`; null when it stands alone.
    #[schema(example = json!(null), value_type = Option<RelationName>)]
    relation: Option<&'static str>,
    /// What a dry run would do; null of all others.
    plan: Option<PlanView>,
    /// What was asked.
    options: OptionsView,
    /// How far it is.
    progress: ProgressView,
    /// Its ledger with those of its retries; null when it was not retried.
    merged: Option<MergedView>,
    /// Columns of the upload that nobody knows; they were ignored.
    #[schema(example = json!(["shoe_size"]))]
    unknown_columns: Vec<String>,
    /// What a person should know.
    #[schema(example = json!(["column \"shoe_size\" is not known and was ignored"]))]
    warnings: Vec<String>,
    /// Why it is paused; null unless it is.
    pause: Option<PauseView>,
    /// The file that it has written; null while there is none.
    file: Option<FileView>,
    /// Why it failed as a whole.
    error: Option<FailureView>,
    /// When the upload began.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When the last row was received.
    #[serde(serialize_with = "time::maybe")]
    queued_at: Option<DateTime<Utc>>,
    /// When a worker began.
    #[serde(serialize_with = "time::maybe")]
    started_at: Option<DateTime<Utc>>,
    /// When it reached a final state.
    #[serde(serialize_with = "time::maybe")]
    finished_at: Option<DateTime<Utc>>,
    /// When its rows were done: the same as `finished_at`, which does not wait for mails.
    #[serde(serialize_with = "time::maybe")]
    rows_finished_at: Option<DateTime<Utc>>,
    /// When its last welcome mail was sent or refused; null while mails are queued, and when there are none.
    #[serde(serialize_with = "time::maybe")]
    mails_finished_at: Option<DateTime<Utc>>,
    /// Where to look.
    links: LinksView,
}

/// What was asked of an operation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationOptions)]
pub(crate) struct OptionsView {
    /// `continue` or `abort`.
    #[schema(value_type = OnErrorName)]
    on_error: &'static str,
    /// Whether each new user gets a welcome mail.
    #[schema(example = true)]
    send_welcome: bool,
    /// How many rows may fail before it is paused, as a number or as a share of all rows; null for any number.
    #[schema(example = "0.5%")]
    max_errors: Option<String>,
    /// What is done with a row of an import whose user is there already.
    #[schema(value_type = OnConflictName)]
    on_conflict: &'static str,
    /// By what a row finds its user.
    #[serde(rename = "match")]
    #[schema(value_type = MatchName)]
    match_by: &'static str,
    /// Whether nothing is written.
    #[schema(example = false)]
    dry_run: bool,
}

/// Why an operation failed as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationFailure)]
pub(crate) struct FailureView {
    /// Stable code.
    #[schema(example = "ROWS_FAILED")]
    code: String,
    /// One sentence for people.
    #[schema(example = "2 rows are wrong and no user was created")]
    message: String,
}

/// Where to look.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Links)]
pub(crate) struct LinksView {
    /// The operation itself.
    #[serde(rename = "self")]
    #[schema(example = "/api/v1/operations/01981c5e-7a00-7000-8000-000000000001")]
    this: String,
    /// The rows with a problem; with `?status=all` all of them.
    #[schema(example = "/api/v1/operations/01981c5e-7a00-7000-8000-000000000001/rows")]
    rows: String,
    /// The file, of what has one.
    #[schema(example = "/api/v1/operations/01981c5e-7a00-7000-8000-000000000001/file")]
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// Where operations are.
pub(crate) const OPERATIONS: &str = "/api/v1/operations/";

/// The path of an operation, as `Location` and links give it.
pub(crate) fn path(id: Uuid) -> String {
    format!("{OPERATIONS}{id}")
}

impl From<Operation> for OperationView {
    fn from(operation: Operation) -> Self {
        let id = operation.id.get();
        let this = path(id);
        let warnings = operation.unknown_columns.iter();
        let file = operation.file.map(|file| (format!("{this}/file"), file));
        Self {
            id,
            kind: operation.kind.name(),
            state: operation.state.name(),
            format: operation.format.name(),
            parent_id: operation.parent.map(|parent| parent.id.get()),
            relation: operation.parent.map(|parent| parent.relation.name()),
            plan: PlanView::of(&operation),
            options: OptionsView {
                on_error: operation.options.on_error.name(),
                send_welcome: operation.options.send_welcome,
                max_errors: operation.options.max_errors.map(|budget| budget.to_string()),
                on_conflict: operation.options.on_conflict.name(),
                match_by: operation.options.match_by.name(),
                dry_run: operation.options.dry_run,
            },
            pause: operation.pause.map(|pause| PauseView::of(&operation, pause)),
            progress: ProgressView::of(&operation),
            merged: MergedView::of(&operation),
            rows_finished_at: operation.finished_at,
            mails_finished_at: operation.mails_finished_at(),
            warnings: warnings.map(|name| format!("column {name:?} is not known and was ignored")).collect(),
            unknown_columns: operation.unknown_columns,
            error: operation.failure.map(|OperationFailure { code, detail }| FailureView { code, message: detail }),
            created_at: operation.created_at,
            queued_at: operation.queued_at,
            started_at: operation.started_at,
            finished_at: operation.finished_at,
            links: LinksView { rows: format!("{this}/rows"), file: file.as_ref().map(|(href, _)| href.clone()), this },
            file: file.map(|(href, file)| FileView::new(&file, href)),
        }
    }
}
