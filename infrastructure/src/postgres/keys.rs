use chrono::{DateTime, Utc};
use muster_domain::operations::{IdempotencyEntry, KeyOwner};
use muster_domain::{OperationId, RepositoryError, TaskId, UserId};
use uuid::Uuid;

use super::error::{damaged, one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

fn entry(
    operation: Option<Uuid>,
    user: Option<Uuid>,
    task: Option<Uuid>,
    digest: Option<Vec<u8>>,
) -> Result<IdempotencyEntry, RepositoryError> {
    let digest = digest.map(|bytes| <[u8; 32]>::try_from(bytes).map_err(|_| damaged("digest"))).transpose()?;
    let owner = match (operation, user, task) {
        (Some(operation), None, None) => KeyOwner::Operation(OperationId::new(operation)),
        (None, Some(user), None) => KeyOwner::User(UserId::new(user)),
        (None, None, Some(task)) => KeyOwner::Task(TaskId::new(task)),
        _ => return Err(damaged("idempotency key")),
    };
    Ok(IdempotencyEntry { owner, digest })
}

impl PgUnitOfWork {
    pub(super) async fn claim(
        &mut self,
        key: &str,
        owner: KeyOwner,
        digest: Option<[u8; 32]>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        let (operation, user, task) = match owner {
            KeyOwner::Operation(operation) => (Some(operation.get()), None, None),
            KeyOwner::User(user) => (None, Some(user.get()), None),
            KeyOwner::Task(task) => (None, None, Some(task.get())),
        };
        // Waits for another transaction that is claiming the same key.
        let claimed = sqlx::query!(
            r#"insert into idempotency_keys (tenant_id, key, operation_id, user_id, digest, expires_at, task_id)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict do nothing"#,
            self.tenant,
            key,
            operation,
            user,
            digest.as_ref().map(<[u8; 32]>::as_slice),
            expires_at,
            task,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if claimed.rows_affected() == 1 {
            return Ok(None);
        }
        // The holder can have gone in between; the client's retry will claim the key then.
        let holder = self.key(key).await?;
        holder.map(Some).ok_or_else(|| RepositoryError::Unavailable("an idempotency key was released just now".into()))
    }

    pub(super) async fn key(&mut self, key: &str) -> Result<Option<IdempotencyEntry>, RepositoryError> {
        let row = sqlx::query!(
            r#"select operation_id, user_id, task_id, digest from idempotency_keys where tenant_id = $1 and key = $2"#,
            self.tenant,
            key,
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(|row| entry(row.operation_id, row.user_id, row.task_id, row.digest)).transpose()
    }

    pub(super) async fn seal(&mut self, key: &str, digest: [u8; 32]) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update idempotency_keys set digest = $3 where tenant_id = $1 and key = $2"#,
            self.tenant,
            key,
            digest.as_slice(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn purge(&mut self, now: DateTime<Utc>) -> Result<u64, RepositoryError> {
        let done =
            sqlx::query!(r#"delete from idempotency_keys where tenant_id = $1 and expires_at < $2"#, self.tenant, now)
                .execute(&mut *self.tx)
                .await
                .map_err(repository_error)?;
        Ok(done.rows_affected())
    }
}
