use std::collections::HashMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::tasks::{
    OpenReminder, Reminder, ReminderKind, ReminderMail, ReminderReader, ReminderRepository, StoredTask, TaskSettings,
};
use muster_domain::users::User;
use muster_domain::{ReminderBatchId, ReminderMailId, RepositoryError, TaskId, TenantId, UserId};
use uuid::Uuid;

use super::error::{damaged, repository_error};
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;
use super::users::UserRow;

fn uuids(mails: &[ReminderMailId]) -> Vec<Uuid> {
    mails.iter().map(|id| id.get()).collect()
}

struct MailRow {
    id: Uuid,
    task_id: Uuid,
    user_id: Uuid,
    kind: String,
    at: DateTime<Utc>,
}

impl MailRow {
    fn read(self) -> Result<ReminderMail, RepositoryError> {
        let kind = ReminderKind::from_name(&self.kind).ok_or_else(|| damaged("kind of a reminder"))?;
        let reminder = Reminder { kind, to: UserId::new(self.user_id), at: self.at };
        Ok(ReminderMail { id: ReminderMailId::new(self.id), task: TaskId::new(self.task_id), reminder })
    }
}

impl PgUnitOfWork {
    /// What mails are about, as it is now.
    async fn with_what_they_are_about(
        &mut self,
        mails: Vec<ReminderMail>,
    ) -> Result<Vec<OpenReminder>, RepositoryError> {
        let tasks: Vec<Uuid> = mails.iter().map(|mail| mail.task.get()).collect();
        let mut query = self.select_tasks();
        query.push(" and id = any(").push_bind(tasks).push(")");
        let tasks = self.tasks_of(query).await?;
        let tasks: HashMap<TaskId, StoredTask> = tasks.into_iter().map(|stored| (stored.task.id, stored)).collect();
        let users: Vec<Uuid> = mails.iter().map(|mail| mail.reminder.to.get()).collect();
        let users = sqlx::query_as!(
            UserRow,
            r#"select
                   id
                 , email
                 , username
                 , full_name
                 , is_active
                 , version
                 , created_at
                 , updated_at
               from users
               where tenant_id = $1 and id = any($2) and deleted_at is null"#,
            self.tenant,
            &users,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let users: HashMap<UserId, User> = users.into_iter().map(User::from).map(|user| (user.id, user)).collect();
        let open = mails.into_iter().map(|mail| OpenReminder {
            mail,
            task: tasks.get(&mail.task).cloned(),
            user: users.get(&mail.reminder.to).cloned(),
        });
        Ok(open.collect())
    }
}

#[async_trait]
impl ReminderRepository for PgUnitOfWork {
    async fn lock_due(&mut self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, RepositoryError> {
        let mut query = self.select_tasks();
        query.push(" and next_reminder_at <= ").push_bind(now);
        query.push(" order by next_reminder_at limit ").push_bind(i64::from(limit));
        query.push(" for update skip locked");
        self.tasks_of(query).await
    }

    async fn store_taken(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        let ids: Vec<Uuid> = tasks.iter().map(|stored| stored.task.id.get()).collect();
        let through: Vec<DateTime<Utc>> = tasks.iter().map(|stored| stored.reminded_through).collect();
        let next: Vec<Option<DateTime<Utc>>> = tasks.iter().map(StoredTask::next_reminder_at).collect();
        let done = sqlx::query!(
            r#"update tasks
               set reminded_through = t.reminded_through, next_reminder_at = t.next_reminder_at
               from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[]) as t (id, reminded_through, next_reminder_at)
               where tasks.tenant_id = $1 and tasks.id = t.id"#,
            self.tenant,
            &ids,
            &through,
            &next as &[Option<DateTime<Utc>>],
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if done.rows_affected() == u64::try_from(tasks.len()).unwrap_or(u64::MAX) {
            return Ok(());
        }
        Err(RepositoryError::Internal("a write of tasks missed one".into()))
    }

    async fn queue(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMail],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        if mails.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uuid> = mails.iter().map(|mail| mail.id.get()).collect();
        let tasks: Vec<Uuid> = mails.iter().map(|mail| mail.task.get()).collect();
        let users: Vec<Uuid> = mails.iter().map(|mail| mail.reminder.to.get()).collect();
        let kinds: Vec<String> = mails.iter().map(|mail| mail.reminder.kind.name().to_owned()).collect();
        let at: Vec<DateTime<Utc>> = mails.iter().map(|mail| mail.reminder.at).collect();
        sqlx::query!(
            r#"insert into reminder_mails (tenant_id, batch_id, looked_at, id, task_id, user_id, kind, at)
               select $1, $2, $3, m.id, m.task_id, m.user_id, m.kind, m.at
               from unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[])
                   as m (id, task_id, user_id, kind, at)"#,
            self.tenant,
            batch.get(),
            now,
            &ids,
            &tasks,
            &users,
            &kinds,
            &at,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn rest(&mut self, settings: &TaskSettings, until: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update task_settings
               set quiet_until = $2
               where tenant_id = $1 and time_zone = $3 and quiet_from = $4 and quiet_to = $5"#,
            self.tenant,
            until,
            settings.zone.name(),
            settings.quiet.map(|quiet| quiet.from),
            settings.quiet.map(|quiet| quiet.to),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn open(
        &mut self,
        batch: ReminderBatchId,
        after: Option<ReminderMailId>,
        limit: u32,
    ) -> Result<Vec<OpenReminder>, RepositoryError> {
        let rows = sqlx::query_as!(
            MailRow,
            r#"select
                   id
                 , task_id
                 , user_id
                 , kind
                 , at
               from reminder_mails
               where tenant_id = $1 and batch_id = $2 and refused_at is null and id > $3
               order by id
               limit $4"#,
            self.tenant,
            batch.get(),
            after.map_or(Uuid::nil(), ReminderMailId::get),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let mails: Vec<_> = rows.into_iter().map(MailRow::read).collect::<Result<_, _>>()?;
        if mails.is_empty() { Ok(Vec::new()) } else { self.with_what_they_are_about(mails).await }
    }

    async fn done(&mut self, batch: ReminderBatchId, mails: &[ReminderMailId]) -> Result<(), RepositoryError> {
        if mails.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"delete from reminder_mails where tenant_id = $1 and batch_id = $2 and id = any($3)"#,
            self.tenant,
            batch.get(),
            &uuids(mails),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn refused(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMailId],
        code: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        if mails.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"update reminder_mails
               set refused_at = $4, refused_code = $5
               where tenant_id = $1 and batch_id = $2 and id = any($3) and refused_at is null"#,
            self.tenant,
            batch.get(),
            &uuids(mails),
            now,
            code,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn touch(&mut self, batch: ReminderBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update reminder_mails
               set looked_at = $3
               where tenant_id = $1 and batch_id = $2 and refused_at is null"#,
            self.tenant,
            batch.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }
}

/// More wings of the sweeper's door (`migrations/0021_task_reminders.sql`, `migrations/0022_reminder_batches.sql`).
#[async_trait]
impl ReminderReader for PgReaders {
    async fn due_reminders(
        &self,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, RepositoryError> {
        // The door takes the first tenant that is meant: there is none behind the last.
        let Some(from) = after.map_or(Some(0), |after| after.get().as_u128().checked_add(1)) else {
            return Ok(Vec::new());
        };
        let rows = sqlx::query_scalar!(
            r#"select tenant_id as "tenant_id!" from muster_due_reminders($1, $2, $3)"#,
            now,
            Uuid::from_u128(from),
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(TenantId::new).collect())
    }

    async fn stalled_reminders(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ReminderBatchId>, RepositoryError> {
        let rows = sqlx::query_scalar!(
            r#"select batch_id as "batch_id!" from muster_stalled_reminder_batches($1, $2)"#,
            before,
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(ReminderBatchId::new).collect())
    }

    async fn tenants_of_reminders(&self, batch: ReminderBatchId) -> Result<Vec<TenantId>, RepositoryError> {
        let rows = sqlx::query_scalar!(
            r#"select tenant_id as "tenant_id!" from muster_tenants_of_reminders($1)"#,
            batch.get()
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(TenantId::new).collect())
    }
}
