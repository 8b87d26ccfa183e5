use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use muster_domain::tasks::{Orphans, QuietHours, StoredTask, TaskRepository, TaskSettings};
use muster_domain::{RepositoryError, TaskId, UserId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::error::{damaged, one_row, repository_error};
use super::task_rows::{SELECT, TaskColumns, TaskRow};
use super::unit_of_work::PgUnitOfWork;

impl PgUnitOfWork {
    /// The tasks that a query for [`SELECT`] finds.
    pub(super) async fn tasks_of(
        &mut self,
        mut query: QueryBuilder<Postgres>,
    ) -> Result<Vec<StoredTask>, RepositoryError> {
        let rows: Vec<TaskRow> = query.build_query_as().fetch_all(&mut *self.tx).await.map_err(repository_error)?;
        rows.into_iter().map(TaskRow::read).collect()
    }

    /// A query for tasks of the tenant.
    pub(super) fn select_tasks(&self) -> QueryBuilder<Postgres> {
        let mut query = QueryBuilder::new(SELECT);
        query.push_bind(self.tenant);
        query
    }
}

fn uuids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|id| id.get()).collect()
}

#[async_trait]
impl TaskRepository for PgUnitOfWork {
    async fn insert(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let columns = TaskColumns::of(tasks)?;
        // Who completes a task holds its lock, so nobody else makes the next one of its series meanwhile.
        sqlx::query!(
            r#"insert into tasks (
                   tenant_id, id, title, description, status, priority, assignee_id, creator_id, due_at, remind_at, tags,
                   recurrence, series_id, series_number, series_start, series_at, series_zone, completed_at, version,
                   created_at, updated_at, deleted_at, reminded_through, next_reminder_at
               )
               select $1, t.id, t.title, t.description, t.status, t.priority, t.assignee_id, t.creator_id, t.due_at,
                      ($10::timestamptz[])[t.remind_from : t.remind_to], string_to_array(t.tags, ';'), t.recurrence,
                      t.series_id, t.series_number, t.series_start, t.series_at, t.series_zone, t.completed_at, t.version,
                      t.created_at, t.updated_at, t.deleted_at, t.reminded_through, t.next_reminder_at
               from unnest(
                   $2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::uuid[], $8::uuid[],
                   $9::timestamptz[], $11::int[], $12::int[], $13::text[], $14::text[], $15::uuid[], $16::int[],
                   $17::timestamptz[], $18::timestamptz[], $19::text[], $20::timestamptz[], $21::bigint[],
                   $22::timestamptz[], $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::timestamptz[]
               ) as t (
                   id, title, description, status, priority, assignee_id, creator_id, due_at, remind_from, remind_to, tags,
                   recurrence, series_id, series_number, series_start, series_at, series_zone, completed_at, version,
                   created_at, updated_at, deleted_at, reminded_through, next_reminder_at
               )
               where t.series_id is null or not exists (
                   select from tasks known
                   where known.tenant_id = $1 and known.series_id = t.series_id
                     and known.series_number = t.series_number
               )"#,
            self.tenant,
            &columns.ids,
            &columns.titles,
            &columns.descriptions as &[Option<String>],
            &columns.statuses,
            &columns.priorities,
            &columns.assignees as &[Option<Uuid>],
            &columns.creators as &[Option<Uuid>],
            &columns.due_at as &[Option<DateTime<Utc>>],
            &columns.remind_at,
            &columns.remind_from,
            &columns.remind_to,
            &columns.tags,
            &columns.recurrences as &[Option<String>],
            &columns.series_ids as &[Option<Uuid>],
            &columns.series_numbers as &[Option<i32>],
            &columns.series_starts as &[Option<DateTime<Utc>>],
            &columns.series_at as &[Option<DateTime<Utc>>],
            &columns.series_zones as &[Option<String>],
            &columns.completed_at as &[Option<DateTime<Utc>>],
            &columns.versions,
            &columns.created_at,
            &columns.updated_at,
            &columns.deleted_at as &[Option<DateTime<Utc>>],
            &columns.reminded_through,
            &columns.next_reminder_at as &[Option<DateTime<Utc>>],
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn lock(&mut self, ids: &[TaskId]) -> Result<Vec<StoredTask>, RepositoryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
        let mut query = self.select_tasks();
        query.push(" and id = any(").push_bind(ids).push(") order by id for update");
        self.tasks_of(query).await
    }

    async fn store(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        if tasks.is_empty() {
            return Ok(());
        }
        let columns = TaskColumns::of(tasks)?;
        let done = sqlx::query!(
            r#"update tasks
               set title = t.title, description = t.description, status = t.status, priority = t.priority,
                   assignee_id = t.assignee_id, due_at = t.due_at,
                   remind_at = ($9::timestamptz[])[t.remind_from : t.remind_to],
                   tags = string_to_array(t.tags, ';'), recurrence = t.recurrence, series_id = t.series_id,
                   series_number = t.series_number, series_start = t.series_start, series_at = t.series_at,
                   series_zone = t.series_zone, completed_at = t.completed_at, version = t.version,
                   updated_at = t.updated_at, deleted_at = t.deleted_at, reminded_through = t.reminded_through,
                   next_reminder_at = t.next_reminder_at
               from unnest(
                   $2::uuid[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::uuid[], $8::timestamptz[],
                   $10::int[], $11::int[], $12::text[], $13::text[], $14::uuid[], $15::int[], $16::timestamptz[],
                   $17::timestamptz[], $18::text[], $19::timestamptz[], $20::bigint[], $21::timestamptz[],
                   $22::timestamptz[], $23::timestamptz[], $24::timestamptz[]
               ) as t (
                   id, title, description, status, priority, assignee_id, due_at, remind_from, remind_to, tags, recurrence,
                   series_id, series_number, series_start, series_at, series_zone, completed_at, version, updated_at,
                   deleted_at, reminded_through, next_reminder_at
               )
               where tasks.tenant_id = $1 and tasks.id = t.id"#,
            self.tenant,
            &columns.ids,
            &columns.titles,
            &columns.descriptions as &[Option<String>],
            &columns.statuses,
            &columns.priorities,
            &columns.assignees as &[Option<Uuid>],
            &columns.due_at as &[Option<DateTime<Utc>>],
            &columns.remind_at,
            &columns.remind_from,
            &columns.remind_to,
            &columns.tags,
            &columns.recurrences as &[Option<String>],
            &columns.series_ids as &[Option<Uuid>],
            &columns.series_numbers as &[Option<i32>],
            &columns.series_starts as &[Option<DateTime<Utc>>],
            &columns.series_at as &[Option<DateTime<Utc>>],
            &columns.series_zones as &[Option<String>],
            &columns.completed_at as &[Option<DateTime<Utc>>],
            &columns.versions,
            &columns.updated_at,
            &columns.deleted_at as &[Option<DateTime<Utc>>],
            &columns.reminded_through,
            &columns.next_reminder_at as &[Option<DateTime<Utc>>],
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if done.rows_affected() == u64::try_from(tasks.len()).unwrap_or(u64::MAX) {
            return Ok(());
        }
        Err(RepositoryError::Internal("a write of tasks missed one".into()))
    }

    async fn remove(&mut self, ids: &[TaskId]) -> Result<u64, RepositoryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
        let done = sqlx::query!(
            r#"with mails as (
                   delete from reminder_mails
                   where tenant_id = $1 and task_id = any($2) and refused_at is not null
               )
               delete from tasks where tenant_id = $1 and id = any($2)"#,
            self.tenant,
            &ids,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected())
    }

    async fn living(&mut self, users: &[UserId]) -> Result<Vec<UserId>, RepositoryError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let found = sqlx::query_scalar!(
            r#"select id
               from users
               where tenant_id = $1 and id = any($2) and deleted_at is null
               order by id
               for share"#,
            self.tenant,
            &uuids(users),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(found.into_iter().map(UserId::new).collect())
    }

    async fn lock_open_of(&mut self, users: &[UserId], limit: u32) -> Result<Vec<StoredTask>, RepositoryError> {
        let mut query = self.select_tasks();
        query.push(" and assignee_id = any(").push_bind(uuids(users));
        query.push(") and deleted_at is null and status in ('todo', 'in_progress') order by id limit ");
        query.push_bind(i64::from(limit)).push(" for update");
        self.tasks_of(query).await
    }

    async fn settings(&mut self) -> Result<TaskSettings, RepositoryError> {
        let row = sqlx::query!(
            r#"select time_zone, quiet_from, quiet_to, orphans from task_settings where tenant_id = $1"#,
            self.tenant,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(row) = row else { return Ok(TaskSettings::default()) };
        Ok(TaskSettings {
            zone: row.time_zone.parse::<Tz>().map_err(|_| damaged("time zone"))?,
            quiet: row.quiet_from.zip(row.quiet_to).map(|(from, to): (NaiveTime, NaiveTime)| QuietHours { from, to }),
            orphans: Orphans::from_name(&row.orphans).ok_or_else(|| damaged("policy"))?,
        })
    }

    async fn store_settings(&mut self, settings: &TaskSettings, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"insert into task_settings (tenant_id, time_zone, quiet_from, quiet_to, orphans, updated_at)
               values ($1, $2, $3, $4, $5, $6)
               on conflict (tenant_id) do update
               set time_zone = excluded.time_zone, quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to,
                   orphans = excluded.orphans, updated_at = excluded.updated_at, quiet_until = null"#,
            self.tenant,
            settings.zone.name(),
            settings.quiet.map(|quiet| quiet.from),
            settings.quiet.map(|quiet| quiet.to),
            settings.orphans.name(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }
}
