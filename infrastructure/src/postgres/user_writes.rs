use chrono::{DateTime, Utc};
use muster_domain::users::{BlockEvent, FieldDigest, FullName, StoredUser, User, UserEvent, Username};
use muster_domain::webhooks::Happening;
use muster_domain::{RepositoryError, TenantId, UserId};

use super::error::{one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;
use super::users::StoredUserRow;
use super::webhook_deliveries::data;
use crate::cache::Touched;

/// What a line of history says of fields, as arrays of the same length.
struct Fields<'a> {
    names: Vec<&'a str>,
    before: Vec<Option<&'a str>>,
    after: Vec<Option<&'a str>>,
}

impl<'a> Fields<'a> {
    fn of(event: &'a UserEvent) -> Self {
        let fields = || event.fields.iter();
        Self {
            names: fields().map(|FieldDigest { field, .. }| field.as_str()).collect(),
            before: fields().map(|FieldDigest { before, .. }| before.as_deref()).collect(),
            after: fields().map(|FieldDigest { after, .. }| after.as_deref()).collect(),
        }
    }
}

impl PgUnitOfWork {
    /// The user, the first line of their history, their place in the line for a mail and what endpoints are told
    /// (`migrations/0014_webhooks.sql`).
    pub(super) async fn insert_one(
        &mut self,
        user: &User,
        event: &UserEvent,
        welcome: bool,
    ) -> Result<bool, RepositoryError> {
        let fields = Fields::of(event);
        let made = sqlx::query_scalar!(
            r#"select muster_insert_user($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) as "made!""#,
            self.tenant,
            user.id.get(),
            user.email.as_str(),
            user.username.as_str(),
            user.full_name.as_ref().map(FullName::as_str),
            user.is_active,
            user.version,
            user.created_at,
            user.updated_at,
            event.id.get(),
            event.kind.name(),
            event.actor.as_deref(),
            &fields.names as &[&str],
            &fields.before as &[Option<&str>],
            &fields.after as &[Option<&str>],
            welcome,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if made {
            self.touch_user(user, None);
        }
        Ok(made)
    }

    pub(super) async fn lock_one(&mut self, id: UserId) -> Result<Option<StoredUser>, RepositoryError> {
        let row = sqlx::query_as!(
            StoredUserRow,
            r#"select
                   id
                 , email
                 , username
                 , full_name
                 , is_active
                 , version
                 , created_at
                 , updated_at
                 , deleted_at
               from users
               where tenant_id = $1 and id = $2
               for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(row.map(StoredUser::from))
    }

    pub(super) async fn store_one(&mut self, stored: &StoredUser, event: &UserEvent) -> Result<(), RepositoryError> {
        let (user, fields) = (&stored.user, Fields::of(event));
        let happening = Happening::of_user(event.kind, stored);
        // The old address and name are read from the same snapshot: the caches must forget them as well.
        let old = sqlx::query!(
            r#"with old as (
                   select id, email, username_key from users where tenant_id = $1 and id = $2
               ), event as (
                   insert into user_events (tenant_id, user_id, id, kind, actor, fields, before, after, at)
                   values ($1, $2, $10, $11, $12, $13, $14, $15, $8)
               )
               update users u
               set email = $3
                 , username = $4
                 , full_name = $5
                 , is_active = $6
                 , version = $7::bigint
                 , updated_at = $8
                 , deleted_at = $9
               from old
               where u.tenant_id = $1 and u.id = old.id and u.version = $7::bigint - 1
               returning
                   old.email as "email!"
                 , old.username_key as "username!"
                 , muster_tell($1, $16, $8, $17) as "is_told!""#,
            self.tenant,
            user.id.get(),
            user.email.as_str(),
            user.username.as_str(),
            user.full_name.as_ref().map(FullName::as_str),
            user.is_active,
            user.version,
            user.updated_at,
            stored.deleted_at,
            event.id.get(),
            event.kind.name(),
            event.actor.as_deref(),
            &fields.names as &[&str],
            &fields.before as &[Option<&str>],
            &fields.after as &[Option<&str>],
            happening.event.name(),
            data(&happening),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(u64::try_from(old.len()).unwrap_or(u64::MAX))?;
        for old in old {
            self.touch_user(user, Some((old.email, old.username)));
        }
        Ok(())
    }

    pub(super) async fn remove_one(&mut self, id: UserId, now: DateTime<Utc>) -> Result<bool, RepositoryError> {
        let happening = Happening::of_removal(id, now);
        let removed = sqlx::query!(
            r#"with events as (
                   delete from user_events where tenant_id = $1 and user_id = $2 and last_user_id is null
               ), mails as (
                   delete from welcome_mails where tenant_id = $1 and user_id = $2
               ), reminders as (
                   delete from reminder_mails where tenant_id = $1 and user_id = $2 and refused_at is not null
               ), keys as (
                   delete from idempotency_keys where tenant_id = $1 and user_id = $2
               ), former as (
                   update operation_rows set before = null
                   where tenant_id = $1 and user_id = $2 and before is not null
               )
               delete from users
               where tenant_id = $1 and id = $2
               returning email, username_key as "username!", muster_tell($1, $3, $4, $5) as "is_told!""#,
            self.tenant,
            id.get(),
            happening.event.name(),
            now,
            data(&happening),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let Some(removed) = removed else { return Ok(false) };
        self.touched.push(Touched::User {
            tenant: TenantId::new(self.tenant),
            id,
            emails: vec![removed.email],
            usernames: vec![removed.username],
        });
        Ok(true)
    }

    pub(super) async fn store_block_event(&mut self, event: &BlockEvent) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"insert into user_events (tenant_id, user_id, id, last_user_id, operation_id, kind, actor, at)
               values ($1, $2, $3, $4, $5, 'created', $6, $7)"#,
            self.tenant,
            event.first.get(),
            event.id.get(),
            event.last.get(),
            event.operation.get(),
            event.actor.as_deref(),
            event.at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    fn touch_user(&mut self, user: &User, old: Option<(String, String)>) {
        self.touched.push(touched(TenantId::new(self.tenant), user, old));
    }
}

/// What the caches have to forget of a user who was written.
pub(super) fn touched(tenant: TenantId, user: &User, old: Option<(String, String)>) -> Touched {
    let (mut emails, mut usernames) = (vec![user.email.as_str().to_owned()], vec![Username::folded(&user.username)]);
    if let Some((email, username)) = old {
        emails.extend((email != user.email.as_str()).then_some(email));
        usernames.extend(Some(username).filter(|username| !usernames.contains(username)));
    }
    Touched::User { tenant, id: user.id, emails, usernames }
}
