//! What an operation has come to: so far, with its retries, or as a plan; and why it stands still.

use chrono::{DateTime, Utc};
use muster_domain::operations::{Operation, Pause, PauseReason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::v1::time;

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

impl ProgressView {
    pub(super) fn of(operation: &Operation) -> Self {
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
    pub(super) fn of(operation: &Operation) -> Option<Self> {
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
    pub(super) fn of(operation: &Operation) -> Option<Self> {
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
    pub(super) fn of(operation: &Operation, pause: Pause) -> Self {
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
