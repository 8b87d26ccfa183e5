use chrono::{DateTime, Utc};
use muster_domain::operations::UploadFormat;
use muster_domain::schedules::{LastRun, RunOutcome, Schedule, SkipReason};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::ScheduleFilterRequest;
use crate::openapi::{FileFormatName, ScheduleKindName, ScheduleStateName, SkipReasonName};
use crate::problem::Problem;
use crate::v1::time;

/// An operation that begins again and again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct ScheduleView {
    /// Identity.
    id: Uuid,
    /// For people.
    #[schema(example = "Purge who left")]
    name: Option<String>,
    /// What its operations do.
    #[schema(value_type = ScheduleKindName)]
    kind: &'static str,
    /// Whom they mean, as it was given.
    #[schema(value_type = ScheduleFilterRequest)]
    filter: Value,
    /// How the files of exports are written.
    #[schema(value_type = Option<FileFormatName>)]
    format: Option<&'static str>,
    /// When it runs: minute, hour, day of the month, month, day of the week.
    #[schema(example = "30 3 * * *")]
    cron: String,
    /// On whose clocks.
    #[schema(example = "Europe/Berlin")]
    time_zone: &'static str,
    /// Whether it runs.
    #[schema(value_type = ScheduleStateName)]
    state: &'static str,
    /// When it was made.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(serialize_with = "time::instant")]
    updated_at: DateTime<Utc>,
    /// When it runs next by itself; null while it is paused.
    #[serde(serialize_with = "time::maybe")]
    next_run_at: Option<DateTime<Utc>>,
    /// The latest run.
    last_run: Option<LastRunView>,
}

/// The latest run of a schedule, which has begun an operation or says why not.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ScheduleRun)]
pub(crate) struct LastRunView {
    /// When it was to be.
    #[serde(serialize_with = "time::instant")]
    at: DateTime<Utc>,
    /// What it has begun.
    operation_id: Option<Uuid>,
    /// Why it has begun nothing.
    #[schema(value_type = Option<SkipReasonName>)]
    skipped: Option<&'static str>,
}

impl ScheduleView {
    /// As it is at `now`.
    pub(crate) fn new(schedule: Schedule, now: DateTime<Utc>) -> Result<Self, Problem> {
        let next_run_at = schedule.next_run_at(now);
        let asked = schedule.asked;
        let filter = serde_json::from_str(&asked.filter);
        Ok(Self {
            id: schedule.id.get(),
            name: asked.name,
            kind: asked.kind.name(),
            filter: filter.map_err(muster_application::AppError::internal)?,
            format: asked.format.map(UploadFormat::name),
            cron: asked.cadence.cron().to_owned(),
            time_zone: asked.cadence.time_zone(),
            state: schedule.state.name(),
            created_at: schedule.created_at,
            updated_at: schedule.updated_at,
            next_run_at,
            last_run: schedule.last_run.map(LastRunView::from),
        })
    }
}

impl From<LastRun> for LastRunView {
    fn from(run: LastRun) -> Self {
        let (operation_id, skipped) = match run.outcome {
            RunOutcome::Began(operation) => (Some(operation.get()), None),
            RunOutcome::Skipped(reason) => (None, Some(SkipReason::name(reason))),
        };
        Self { at: run.at, operation_id, skipped }
    }
}
