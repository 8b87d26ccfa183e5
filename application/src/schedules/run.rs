use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use muster_domain::operations::{KeyOwner, MatchBy, OnError, OperationKind, OperationOptions, UploadFormat};
use muster_domain::schedules::{LastRun, RunOutcome, Schedule, ScheduleState, SkipReason};
use muster_domain::users::UserFilter;
use muster_domain::{OperationId, ScheduleId};

use crate::exports::NewExport;
use crate::imports::{ImportRow, NewUpload};
use crate::operations::engine_down;
use crate::users::read_filter;
use crate::{App, AppError, Context, ErrorKind};

/// A run of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct RunScheduled {
    /// Which schedule.
    pub schedule: ScheduleId,
    /// When it was to be: tells it from other runs, and ages in the filter count from here.
    pub at: DateTime<Utc>,
    /// Somebody has asked for it; else its time has come.
    pub triggered: bool,
    /// It was tried for long enough: what the tenant's limits refuse now is not tried again.
    pub last_chance: bool,
}

impl App {
    /// Begins the operation of a run, and stores what came of it. However often it is repeated, there is one operation.
    ///
    /// # Errors
    /// `RateLimited` while the tenant has as much as it may, unless it is the last chance; `Unavailable` when storage is
    /// down, or an earlier attempt goes on somewhere. All of them are worth another attempt.
    pub async fn run_scheduled(&self, ctx: &Context, run: RunScheduled) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.schedules().find(run.schedule).await?;
        drop(uow);
        let Some(schedule) = found else {
            // Deleted, and the engine has heard of its making after that.
            return self.ports.workflows.remove_schedule(ctx.tenant, run.schedule).await.map_err(engine_down);
        };
        if schedule.state == ScheduleState::Paused && !run.triggered {
            return Ok(());
        }
        let actor = Some(Arc::from(format!("schedule:{}", schedule.id)));
        let outcome = match self.begin_run(&Context::acting(ctx.tenant, actor), &schedule, run.at).await {
            Ok(Some(operation)) => RunOutcome::Began(operation),
            Ok(None) => RunOutcome::Skipped(SkipReason::NobodyFound),
            Err(error) => RunOutcome::Skipped(reason(error, run.last_chance)?),
        };
        let mut uow = self.begin(ctx).await?;
        uow.schedules().record_run(schedule.id, LastRun { at: run.at, outcome }).await?;
        Ok(uow.commit().await?)
    }

    /// The operation of this run, begun now or by an earlier attempt; none if there is nobody to do anything to. The key
    /// outlives all attempts of a run.
    async fn begin_run(
        &self,
        ctx: &Context,
        schedule: &Schedule,
        at: DateTime<Utc>,
    ) -> Result<Option<OperationId>, AppError> {
        let key = format!("schedule:{}:{}", schedule.id, at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let kind = schedule.asked.kind;
        let filter = filter_at(schedule, at)?;
        if kind == OperationKind::UsersExport {
            let format = schedule.asked.format.unwrap_or(UploadFormat::Ndjson);
            let new = NewExport { filter, format, key: Some(key.clone()) };
            return Ok(Some(self.begin_export(ctx, new, key.as_bytes()).await?.operation.id));
        }
        self.take_back_half(ctx, &key).await?;
        let new = NewUpload { kind, format: UploadFormat::Json, key: Some(key.clone()), parent: None };
        let mut upload = self.begin_upload(ctx.clone(), new).await?;
        upload.absorb(key.as_bytes());
        if !upload.gather(&filter, &ImportRow::default()).await? {
            return Ok(None);
        }
        let options =
            OperationOptions { send_welcome: false, match_by: MatchBy::Id, ..OperationOptions::of(OnError::Continue) };
        Ok(Some(upload.finish(options, &[]).await?.operation.id))
    }

    /// Removes what an attempt has left that died in the middle of gathering; one that lives after all finds it gone, and
    /// stores nothing more.
    async fn take_back_half(&self, ctx: &Context, key: &str) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let entry = uow.operations().find_key(key).await?;
        drop(uow);
        if let Some((KeyOwner::Operation(half), None)) = entry.map(|entry| (entry.owner, entry.digest)) {
            self.discard_upload(ctx, half).await?;
        }
        Ok(())
    }
}

fn filter_at(schedule: &Schedule, at: DateTime<Utc>) -> Result<UserFilter, AppError> {
    let conditions = serde_json::from_str(&schedule.asked.filter).map_err(AppError::internal)?;
    read_filter(&conditions, schedule.asked.kind, Some(at)).map_err(|wrong| AppError::invalid(wrong.detail))
}

/// Why a run begins nothing, if that is how it ends; else the error, for another attempt.
fn reason(error: AppError, last_chance: bool) -> Result<SkipReason, AppError> {
    match error.kind {
        ErrorKind::Unavailable | ErrorKind::Internal => Err(error),
        // Another attempt is at it, or was a moment ago.
        ErrorKind::Conflict => Err(AppError::unavailable("another attempt goes on", error)),
        ErrorKind::RateLimited if !last_chance => Err(error),
        ErrorKind::RateLimited => Ok(SkipReason::TenantLimit),
        ErrorKind::TooLarge => Ok(SkipReason::TooMany),
        _ => Ok(SkipReason::Refused),
    }
}
