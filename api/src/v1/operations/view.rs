use chrono::{DateTime, Utc};
use muster_domain::operations::{Operation, OperationFailure, Pause, PauseReason};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::file_view::FileView;
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

/// What a dry run has come to so far.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanView {
    /// Stands for the outcome of every row; goes into `If-Match` of `apply`. Null until all rows were looked at.
    #[schema(example = json!(null))]
    digest: Option<String>,
    /// Users that would be made.
    #[schema(example = 998)]
    to_create: u64,
    /// Users who are there and would be changed.
    #[schema(example = 0)]
    to_change: u64,
    /// Rows of which there is nothing to do.
    #[schema(example = 0)]
    to_skip: u64,
    /// Rows that would fail; `links.rows` says why.
    #[schema(example = 2)]
    to_fail: u64,
}

impl PlanView {
    fn of(operation: &Operation) -> Option<Self> {
        let progress = &operation.progress;
        operation.options.dry_run.then(|| Self {
            digest: operation.plan.map(|digest| blake3::Hash::from(digest).to_hex().to_string()),
            to_create: progress.created,
            to_change: progress.changed,
            to_skip: progress.skipped(),
            to_fail: progress.failed,
        })
    }
}

/// Why an operation is paused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PauseView {
    /// `asked`, `error_budget` or `outcome_differs`.
    #[schema(value_type = String, example = "error_budget")]
    reason: &'static str,
    /// One sentence for people.
    message: String,
    /// Since when.
    #[serde(serialize_with = "time::instant")]
    since: DateTime<Utc>,
}

impl PauseView {
    fn of(operation: &Operation, pause: Pause) -> Self {
        let message = match (pause.reason, operation.options.max_errors) {
            (PauseReason::ErrorBudget, Some(budget)) => format!(
                "more rows failed than max_errors={budget} allows: {} of {}; mend them, or resume, or cancel",
                operation.progress.failed.saturating_sub(operation.errors_accepted),
                operation.progress.rows_done
            ),
            (PauseReason::OutcomeDiffers, _) => {
                "the next rows would come to something else than the plan says; nothing of \
                them was done; resume to do them all the same, or cancel"
                    .to_owned()
            }
            _ => "somebody paused it; resume or cancel it".to_owned(),
        };
        Self { reason: pause.reason.name(), message, since: pause.since }
    }
}

/// How far an operation is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Progress)]
pub(crate) struct ProgressView {
    /// Rows that were uploaded; of an export users who were written, 0 until it is done.
    #[schema(example = 1000)]
    rows_received: u64,
    /// The same.
    #[schema(example = 1000)]
    rows_total: u64,
    /// Rows whose outcome is settled; of an export users who are written so far.
    #[schema(example = 1000)]
    rows_done: u64,
    /// Users that were made.
    #[schema(example = 998)]
    created: u64,
    /// Users who were there before and were changed: updated, deleted, restored or removed.
    #[schema(example = 0)]
    changed: u64,
    /// Rows that failed; `links.rows` says why.
    #[schema(example = 2)]
    failed: u64,
    /// Users that an export has written to its file; should its worker die, it begins again at 0.
    #[schema(example = 0)]
    exported: u64,
    /// Good rows of which there was nothing to do, or of an upload that is all or nothing and has a bad one.
    #[schema(example = 0)]
    skipped: u64,
    /// Rows that are done, in percent with one decimal; 0 while nobody knows how many there are.
    #[schema(minimum = 0, maximum = 100, example = 100.0)]
    percent: f64,
    /// Rows done in a second from `started_at` to the last row that is done; null before the start.
    #[schema(example = 61_728.3)]
    rows_per_second: Option<f64>,
    /// Blocks that the rows were cut into.
    #[schema(example = 1)]
    blocks_total: u32,
    /// Blocks that are settled.
    #[schema(example = 1)]
    blocks_done: u32,
    /// Welcome mails to be sent.
    #[schema(example = 998)]
    mails_total: u64,
    /// Welcome mails that were neither sent nor refused yet.
    #[schema(example = 0)]
    mails_queued: u64,
    /// Welcome mails that the mail server took.
    #[schema(example = 998)]
    mails_sent: u64,
    /// Welcome mails that the mail server refused for good.
    #[schema(example = 0)]
    mails_refused: u64,
    /// The same.
    #[schema(example = 0)]
    mails_failed: u64,
}

/// What has become of the rows of an operation and of its retries together: each row once, as it was done last.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merged)]
pub(crate) struct MergedView {
    /// How many retries there are.
    #[schema(example = 1)]
    retries: u32,
    /// Users that were made.
    #[schema(example = 999)]
    created: u64,
    /// Users who were there before and were changed.
    #[schema(example = 0)]
    changed: u64,
    /// Rows of which there was nothing to do.
    #[schema(example = 0)]
    skipped: u64,
    /// Rows that still are failed.
    #[schema(example = 1)]
    failed: u64,
}

impl MergedView {
    fn of(operation: &Operation) -> Option<Self> {
        let (progress, retried) = (&operation.progress, operation.retried);
        (retried.retries > 0).then(|| Self {
            retries: retried.retries,
            created: progress.created + retried.created,
            changed: progress.changed + retried.changed,
            skipped: progress.skipped() + retried.skipped,
            failed: progress.failed.saturating_sub(retried.mended()),
        })
    }
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

/// The path of an operation, as `Location` and links give it.
pub(crate) fn path(id: Uuid) -> String {
    format!("/api/v1/operations/{id}")
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

impl ProgressView {
    fn of(operation: &Operation) -> Self {
        // Of a dry run nothing is made and nobody is changed; the plan says what would be.
        let done = |count| if operation.options.dry_run { 0 } else { count };
        let progress = &operation.progress;
        let (created, changed) = (done(progress.created), done(progress.changed));
        Self {
            rows_received: progress.rows_total,
            rows_total: progress.rows_total,
            rows_done: progress.rows_done,
            created,
            changed,
            failed: progress.failed,
            exported: progress.exported,
            skipped: progress.rows_done.saturating_sub(created + changed + progress.failed + progress.exported),
            percent: progress.percent(),
            rows_per_second: operation.rows_per_second(),
            blocks_total: progress.blocks_total,
            blocks_done: progress.blocks_done,
            mails_total: progress.mails_total,
            mails_queued: progress.mails_queued(),
            mails_sent: progress.mails_sent,
            mails_refused: progress.mails_refused,
            mails_failed: progress.mails_refused,
        }
    }
}
