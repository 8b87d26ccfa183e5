use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::users::{
    BlockEvent, EmailAddress, FullName, NewUser, StoredUser, TakenBy, User, UserEvent, UserRepository, Username,
};
use muster_domain::{RepositoryError, TenantId, UserId};
use sqlx::Connection;
use uuid::Uuid;

use super::error::repository_error;
use super::unit_of_work::PgUnitOfWork;
use crate::cache::Touched;

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) username: String,
    pub(super) full_name: Option<String>,
    pub(super) is_active: bool,
    pub(super) version: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: UserId::new(row.id),
            email: EmailAddress::from_stored(row.email),
            username: Username::from_stored(row.username),
            full_name: row.full_name.map(FullName::from_stored),
            is_active: row.is_active,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A user, alive or deleted.
pub(super) struct StoredUserRow {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) username: String,
    pub(super) full_name: Option<String>,
    pub(super) is_active: bool,
    pub(super) version: i64,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) deleted_at: Option<DateTime<Utc>>,
}

impl From<StoredUserRow> for StoredUser {
    fn from(row: StoredUserRow) -> Self {
        let StoredUserRow { id, email, username, full_name, is_active, version, created_at, updated_at, deleted_at } =
            row;
        let row = UserRow { id, email, username, full_name, is_active, version, created_at, updated_at };
        Self { user: User::from(row), deleted_at }
    }
}

/// From so many rows on it pays to hope that all are free: `on conflict` costs Postgres 1.8 times a plain insert
/// (`docs/adr/0011`), and the first row that is not free ends the hope early.
const OPTIMISTIC_FROM: usize = 500;

/// Rows as arrays, one for each column: one statement however many there are.
struct Columns<'a> {
    ids: Vec<Uuid>,
    emails: Vec<&'a str>,
    usernames: Vec<&'a str>,
    names: Vec<Option<&'a str>>,
}

impl PgUnitOfWork {
    /// Inserts all rows, or none if one of them is not free.
    async fn insert_if_all_free(&mut self, columns: &Columns<'_>, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        let mut savepoint = self.tx.begin().await.map_err(repository_error)?;
        let inserted = sqlx::query!(
            r#"insert into users (tenant_id, id, email, username, full_name, created_at, updated_at)
               select $1, u.id, u.email, u.username, u.full_name, $6, $6
               from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as u (id, email, username, full_name)"#,
            self.tenant,
            &columns.ids,
            &columns.emails as &[&str],
            &columns.usernames as &[&str],
            &columns.names as &[Option<&str>],
            now,
        )
        .execute(&mut *savepoint)
        .await;
        match inserted {
            Ok(_) => savepoint.commit().await.map_err(repository_error).map(|()| true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                savepoint.rollback().await.map_err(repository_error).map(|()| false)
            }
            Err(error) => Err(repository_error(error)),
        }
    }
}

#[async_trait]
impl UserRepository for PgUnitOfWork {
    async fn insert_free(
        &mut self,
        users: &[(UserId, NewUser)],
        now: DateTime<Utc>,
    ) -> Result<Vec<UserId>, RepositoryError> {
        let ids: Vec<Uuid> = users.iter().map(|(id, _)| id.get()).collect();
        let emails: Vec<&str> = users.iter().map(|(_, user)| user.email.as_str()).collect();
        let usernames: Vec<&str> = users.iter().map(|(_, user)| user.username.as_str()).collect();
        let names: Vec<Option<&str>> =
            users.iter().map(|(_, user)| user.full_name.as_ref().map(FullName::as_str)).collect();
        let columns = Columns { ids, emails, usernames, names };
        self.touched.push(Touched::UsersMade { tenant: TenantId::new(self.tenant) });
        let optimistic = users.len() >= OPTIMISTIC_FROM;
        if optimistic && self.insert_if_all_free(&columns, now).await? {
            return Ok(Vec::new());
        }
        let done = sqlx::query!(
            r#"insert into users (tenant_id, id, email, username, full_name, created_at, updated_at)
               select $1, u.id, u.email, u.username, u.full_name, $6, $6
               from unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) as u (id, email, username, full_name)
               on conflict do nothing"#,
            self.tenant,
            &columns.ids,
            &columns.emails as &[&str],
            &columns.usernames as &[&str],
            &columns.names as &[Option<&str>],
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // The good path asks for no ids back: nothing is sent for a row that went well.
        if done.rows_affected() == u64::try_from(users.len()).unwrap_or(u64::MAX) {
            return Ok(Vec::new());
        }
        let lost = sqlx::query_scalar!(
            r#"select wanted.id as "id!"
               from unnest($2::uuid[], $3::text[]) as wanted (id, email)
               where not exists (
                   select from users u
                   where u.tenant_id = $1 and u.id = wanted.id and u.email = wanted.email and u.deleted_at is null
               )"#,
            self.tenant,
            &columns.ids,
            &columns.emails as &[&str],
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(lost.into_iter().map(UserId::new).collect())
    }

    async fn insert(&mut self, user: &User, event: &UserEvent, welcome: bool) -> Result<bool, RepositoryError> {
        self.insert_one(user, event, welcome).await
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<StoredUser>, RepositoryError> {
        self.lock_one(id).await
    }

    async fn store(&mut self, user: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError> {
        self.store_one(user, event).await
    }

    async fn lock_all(&mut self, ids: &[UserId]) -> Result<Vec<StoredUser>, RepositoryError> {
        self.lock_many(ids).await
    }

    async fn store_all(&mut self, users: &[(StoredUser, UserEvent)]) -> Result<(), RepositoryError> {
        self.store_many(users).await
    }

    async fn note_all(&mut self, events: &[UserEvent]) -> Result<(), RepositoryError> {
        self.note_many(events).await
    }

    async fn remove_all(&mut self, ids: &[UserId]) -> Result<u64, RepositoryError> {
        self.remove_many(ids).await
    }

    async fn remove(&mut self, id: UserId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        self.remove_one(id, now).await
    }

    async fn record_block(&mut self, event: &BlockEvent) -> Result<(), RepositoryError> {
        self.store_block_event(event).await
    }

    async fn holders(&mut self, emails: &[&str], usernames: &[String]) -> Result<Vec<TakenBy>, RepositoryError> {
        // A union, so that each half uses its own index.
        let rows = sqlx::query!(
            r#"select id as "id!", email as "email!", username_key as "username!"
               from users
               where tenant_id = $1 and deleted_at is null and email = any($2::text[])
               union
               select id as "id!", email as "email!", username_key as "username!"
               from users
               where tenant_id = $1 and deleted_at is null and username_key = any($3::text[])"#,
            self.tenant,
            emails as &[&str],
            usernames,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(rows
            .into_iter()
            .map(|row| TakenBy { id: UserId::new(row.id), email: row.email, username: row.username })
            .collect())
    }

    async fn range(&mut self, first: UserId, last: UserId, limit: u32) -> Result<Vec<User>, RepositoryError> {
        let rows = sqlx::query_as!(
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
               where tenant_id = $1 and id between $2 and $3 and deleted_at is null
               order by id
               limit $4"#,
            self.tenant,
            first.get(),
            last.get(),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(User::from).collect())
    }
}
