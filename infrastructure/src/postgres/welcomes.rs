use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::mails::{DueWelcomes, WelcomeReader, WelcomeRepository};
use muster_domain::users::User;
use muster_domain::{RepositoryError, TenantId, UserId, WelcomeBatchId};
use uuid::Uuid;

use super::error::repository_error;
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;
use super::users::UserRow;

fn uuids(users: &[UserId]) -> Vec<Uuid> {
    users.iter().map(|id| id.get()).collect()
}

#[async_trait]
impl WelcomeRepository for PgUnitOfWork {
    async fn gather(&mut self, batch: WelcomeBatchId, limit: u32, now: DateTime<Utc>) -> Result<u32, RepositoryError> {
        let done = sqlx::query!(
            r#"with picked as materialized (
                   select user_id
                   from welcome_mails
                   where tenant_id = $1 and batch_id is null
                   order by queued_at
                   limit $3
                   for update skip locked
               )
               update welcome_mails w
               set batch_id = $2, looked_at = $4
               from picked
               where w.tenant_id = $1 and w.user_id = picked.user_id"#,
            self.tenant,
            batch.get(),
            i64::from(limit),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
    }

    async fn open(
        &mut self,
        batch: WelcomeBatchId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError> {
        let rows = sqlx::query_as!(
            UserRow,
            r#"select
                   u.id
                 , u.email
                 , u.username
                 , u.full_name
                 , u.is_active
                 , u.version
                 , u.created_at
                 , u.updated_at
               from welcome_mails w
               join users u on u.tenant_id = w.tenant_id and u.id = w.user_id and u.deleted_at is null
               where w.tenant_id = $1 and w.batch_id = $2 and w.refused_at is null and w.user_id > $3
               order by w.user_id
               limit $4"#,
            self.tenant,
            batch.get(),
            after.map_or(Uuid::nil(), UserId::get),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(User::from).collect())
    }

    async fn sent(&mut self, batch: WelcomeBatchId, users: &[UserId]) -> Result<(), RepositoryError> {
        if users.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"delete from welcome_mails where tenant_id = $1 and batch_id = $2 and user_id = any($3)"#,
            self.tenant,
            batch.get(),
            &uuids(users),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn refused(
        &mut self,
        batch: WelcomeBatchId,
        users: &[UserId],
        code: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        if users.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            r#"update welcome_mails
               set refused_at = $4, refused_code = $5
               where tenant_id = $1 and batch_id = $2 and user_id = any($3) and refused_at is null"#,
            self.tenant,
            batch.get(),
            &uuids(users),
            now,
            code,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn close(&mut self, batch: WelcomeBatchId) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"delete from welcome_mails w
               where w.tenant_id = $1 and w.batch_id = $2 and w.refused_at is null
                 and not exists (
                     select from users u where u.tenant_id = w.tenant_id and u.id = w.user_id and u.deleted_at is null
                 )"#,
            self.tenant,
            batch.get(),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    async fn touch(&mut self, batch: WelcomeBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update welcome_mails
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

#[async_trait]
impl WelcomeReader for PgReaders {
    /// Another wing of the sweeper's door (`migrations/0005_user_events_and_welcome_mails.sql`).
    async fn due_welcomes(
        &self,
        stalled_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWelcomes>, RepositoryError> {
        let rows = sqlx::query!(
            r#"select tenant_id as "tenant_id!", batch_id from muster_due_welcomes($1, $2)"#,
            stalled_before,
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        Ok(rows
            .into_iter()
            .map(|row| DueWelcomes {
                tenant: TenantId::new(row.tenant_id),
                batch: row.batch_id.map(WelcomeBatchId::new),
            })
            .collect())
    }
}
