use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::operations::{OperationKind, UploadFormat};
use muster_domain::schedules::{
    Cadence, LastRun, NewSchedule, RunOutcome, Schedule, SchedulePosition, ScheduleReader, ScheduleRepository,
    ScheduleState, SkipReason, SyncedSchedule, UnsyncedSchedule,
};
use muster_domain::{OperationId, RepositoryError, ScheduleId};
use uuid::Uuid;

use super::convert::{to_i64, to_u64};
use super::doors;
use super::error::{damaged, one_row, repository_error};
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;

struct ScheduleRow {
    id: Uuid,
    name: Option<String>,
    kind: String,
    filter: String,
    format: Option<String>,
    cron: String,
    time_zone: String,
    state: String,
    revision: i64,
    last_run_at: Option<DateTime<Utc>>,
    last_operation_id: Option<Uuid>,
    last_skipped: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn cadence(cron: &str, time_zone: &str) -> Result<Cadence, RepositoryError> {
    Cadence::parse(cron, time_zone).map_err(|_| damaged("cron expression"))
}

fn state(name: &str) -> Result<ScheduleState, RepositoryError> {
    ScheduleState::from_name(name).ok_or_else(|| damaged("state"))
}

impl ScheduleRow {
    fn last_run(&self) -> Result<Option<LastRun>, RepositoryError> {
        let Some(at) = self.last_run_at else { return Ok(None) };
        let outcome = match (self.last_operation_id, &self.last_skipped) {
            (Some(operation), _) => RunOutcome::Began(OperationId::new(operation)),
            (None, reason) => {
                let reason = reason.as_deref().and_then(SkipReason::from_name);
                RunOutcome::Skipped(reason.ok_or_else(|| damaged("reason"))?)
            }
        };
        Ok(Some(LastRun { at, outcome }))
    }

    fn read(self) -> Result<Schedule, RepositoryError> {
        let format = self.format.as_deref().map(|name| UploadFormat::from_name(name).ok_or_else(|| damaged("format")));
        Ok(Schedule {
            id: ScheduleId::new(self.id),
            last_run: self.last_run()?,
            asked: NewSchedule {
                kind: OperationKind::from_name(&self.kind).ok_or_else(|| damaged("kind"))?,
                format: format.transpose()?,
                cadence: cadence(&self.cron, &self.time_zone)?,
                name: self.name,
                filter: self.filter,
            },
            state: state(&self.state)?,
            revision: to_u64(self.revision)?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

#[async_trait]
impl ScheduleRepository for PgUnitOfWork {
    async fn insert(&mut self, schedule: &Schedule, at_most: u32) -> Result<bool, RepositoryError> {
        // Two who ask at once count one after the other. The number only keeps this lock apart from others.
        sqlx::query!(
            r#"select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 18)) as "locked!: ()""#,
            self.tenant,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let NewSchedule { name, kind, filter, format, cadence } = &schedule.asked;
        let done = sqlx::query!(
            r#"insert into schedules (
                   tenant_id, id, name, kind, filter, format, cron, time_zone, state, revision, created_at, updated_at
               )
               select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11
               where (select count(*) from schedules where tenant_id = $1 and deleted_at is null) < $12"#,
            self.tenant,
            schedule.id.get(),
            name.as_deref(),
            kind.name(),
            filter,
            format.map(UploadFormat::name),
            cadence.cron(),
            cadence.time_zone(),
            schedule.state.name(),
            to_i64(schedule.revision)?,
            schedule.created_at,
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn list(&mut self, after: Option<SchedulePosition>, limit: u32) -> Result<Vec<Schedule>, RepositoryError> {
        let rows = sqlx::query_as!(
            ScheduleRow,
            r#"select
                   id
                 , name
                 , kind
                 , filter
                 , format
                 , cron
                 , time_zone
                 , state
                 , revision
                 , last_run_at
                 , last_operation_id
                 , last_skipped
                 , created_at
                 , updated_at
               from schedules
               where tenant_id = $1
                 and deleted_at is null
                 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
               order by created_at desc, id desc
               limit $4"#,
            self.tenant,
            after.map(|after| after.created_at),
            after.map(|after| after.id.get()),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(ScheduleRow::read).collect()
    }

    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError> {
        let row = sqlx::query_as!(
            ScheduleRow,
            r#"select
                   id
                 , name
                 , kind
                 , filter
                 , format
                 , cron
                 , time_zone
                 , state
                 , revision
                 , last_run_at
                 , last_operation_id
                 , last_skipped
                 , created_at
                 , updated_at
               from schedules
               where tenant_id = $1 and id = $2 and deleted_at is null"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(ScheduleRow::read).transpose()
    }

    async fn lock(&mut self, id: ScheduleId) -> Result<Option<Schedule>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from schedules where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Read after the lock is held, so that it is what was committed before it.
        self.find(id).await
    }

    async fn store(&mut self, schedule: &Schedule) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update schedules
               set state = $3
                 , revision = $4
                 , updated_at = $5
               where tenant_id = $1 and id = $2 and deleted_at is null"#,
            self.tenant,
            schedule.id.get(),
            schedule.state.name(),
            to_i64(schedule.revision)?,
            schedule.updated_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn delete(&mut self, id: ScheduleId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        let done = sqlx::query!(
            r#"update schedules
               set deleted_at = $3
                 , updated_at = $3
                 , revision = revision + 1
               where tenant_id = $1 and id = $2 and deleted_at is null"#,
            self.tenant,
            id.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn record_run(&mut self, id: ScheduleId, run: LastRun) -> Result<(), RepositoryError> {
        let (operation, skipped) = match run.outcome {
            RunOutcome::Began(operation) => (Some(operation.get()), None),
            RunOutcome::Skipped(reason) => (None, Some(reason.name())),
        };
        sqlx::query!(
            r#"update schedules
               set last_run_at = $3
                 , last_operation_id = $4
                 , last_skipped = $5
               where tenant_id = $1 and id = $2 and deleted_at is null and coalesce(last_run_at <= $3, true)"#,
            self.tenant,
            id.get(),
            run.at,
            operation,
            skipped,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }

    async fn unsynced(&mut self, id: ScheduleId) -> Result<Option<SyncedSchedule>, RepositoryError> {
        let row = sqlx::query!(
            r#"select
                   cron
                 , time_zone
                 , state
                 , revision
                 , deleted_at
               from schedules
               where tenant_id = $1 and id = $2 and synced_revision < revision"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = row else { return Ok(None) };
        let runs = match row.deleted_at {
            Some(_) => None,
            None => Some((cadence(&row.cron, &row.time_zone)?, state(&row.state)?)),
        };
        Ok(Some(SyncedSchedule { revision: to_u64(row.revision)?, runs }))
    }

    async fn synced(&mut self, id: ScheduleId, revision: u64) -> Result<(), RepositoryError> {
        let revision = to_i64(revision)?;
        sqlx::query!(
            r#"with gone as (
                   delete from schedules
                   where tenant_id = $1 and id = $2 and revision = $3 and deleted_at is not null
               )
               update schedules
               set synced_revision = greatest(synced_revision, $3)
               where tenant_id = $1 and id = $2 and deleted_at is null"#,
            self.tenant,
            id.get(),
            revision,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }
}

#[async_trait]
impl ScheduleReader for PgReaders {
    async fn unsynced_schedules(
        &self,
        changed_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<UnsyncedSchedule>, RepositoryError> {
        doors::unsynced_schedules(self.pool(), changed_before, limit).await
    }
}
