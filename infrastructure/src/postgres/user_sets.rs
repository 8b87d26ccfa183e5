use std::collections::HashMap;

use muster_domain::users::{FullName, StoredUser, UserEvent};
use muster_domain::{RepositoryError, TenantId, UserId};
use uuid::Uuid;

use super::error::{damaged, repository_error};
use super::unit_of_work::PgUnitOfWork;
use super::user_writes::touched;
use super::users::StoredUserRow;
use crate::cache::Touched;

/// Stands for an empty value in a list of digests: no digest is so short.
pub(super) const NONE: &str = "-";

/// Digests as one text, which Postgres splits again: arrays of arrays cannot be told apart by their rows.
fn joined<'a>(digests: impl Iterator<Item = Option<&'a str>>) -> String {
    digests.map(|digest| digest.unwrap_or(NONE)).collect::<Vec<_>>().join(",")
}

/// Columns of many events.
pub(super) struct Events {
    pub(super) ids: Vec<Uuid>,
    pub(super) kinds: Vec<&'static str>,
    pub(super) actors: Vec<Option<String>>,
    operations: Vec<Option<Uuid>>,
    pub(super) fields: Vec<String>,
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
}

impl Events {
    pub(super) fn of<'a, I: Iterator<Item = &'a UserEvent>>(events: impl Fn() -> I) -> Self {
        Self {
            ids: events().map(|event| event.id.get()).collect(),
            kinds: events().map(|event| event.kind.name()).collect(),
            actors: events().map(|event| event.actor.as_deref().map(str::to_owned)).collect(),
            operations: events().map(|event| event.operation.map(muster_domain::OperationId::get)).collect(),
            fields: events().map(|event| joined(event.fields.iter().map(|field| Some(field.field.as_str())))).collect(),
            before: events().map(|event| joined(event.fields.iter().map(|field| field.before.as_deref()))).collect(),
            after: events().map(|event| joined(event.fields.iter().map(|field| field.after.as_deref()))).collect(),
        }
    }
}

impl PgUnitOfWork {
    pub(super) async fn lock_many(&mut self, ids: &[UserId]) -> Result<Vec<StoredUser>, RepositoryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
        // In the order of ids, so that two who lock the same users do not wait for each other.
        let rows = sqlx::query_as!(
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
               where tenant_id = $1 and id = any($2)
               order by id
               for update"#,
            self.tenant,
            &ids,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(rows.into_iter().map(StoredUser::from).collect())
    }

    pub(super) async fn store_many(&mut self, users: &[(StoredUser, UserEvent)]) -> Result<(), RepositoryError> {
        if users.is_empty() {
            return Ok(());
        }
        let events = Events::of(|| users.iter().map(|(_, event)| event));
        let stored = || users.iter().map(|(stored, _)| stored);
        let ids: Vec<Uuid> = stored().map(|stored| stored.user.id.get()).collect();
        let emails: Vec<&str> = stored().map(|stored| stored.user.email.as_str()).collect();
        let usernames: Vec<&str> = stored().map(|stored| stored.user.username.as_str()).collect();
        let names: Vec<Option<&str>> =
            stored().map(|stored| stored.user.full_name.as_ref().map(FullName::as_str)).collect();
        let active: Vec<bool> = stored().map(|stored| stored.user.is_active).collect();
        let versions: Vec<i64> = stored().map(|stored| stored.user.version).collect();
        let updated: Vec<_> = stored().map(|stored| stored.user.updated_at).collect();
        let deleted: Vec<_> = stored().map(|stored| stored.deleted_at).collect();
        // The old addresses and names are read from the same snapshot: the caches must forget them as well.
        let old = sqlx::query!(
            r#"with wanted as (
                   select *
                   from unnest(
                       $2::uuid[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::bigint[], $8::timestamptz[],
                       $9::timestamptz[], $10::uuid[], $11::text[], $12::text[], $13::uuid[], $14::text[], $15::text[],
                       $16::text[]
                   ) as w (
                       id, email, username, full_name, is_active, version, updated_at, deleted_at, event_id, kind, actor,
                       operation_id, fields, before, after
                   )
               ), events as (
                   insert into user_events (
                       tenant_id, user_id, id, operation_id, kind, actor, fields, before, after, at
                   )
                   select
                       $1, w.id, w.event_id, w.operation_id, w.kind, w.actor
                     , string_to_array(w.fields, ',')
                     , string_to_array(w.before, ',', $17)
                     , string_to_array(w.after, ',', $17)
                     , w.updated_at
                   from wanted w
               )
               update users u
               set email = w.email
                 , username = w.username
                 , full_name = w.full_name
                 , is_active = w.is_active
                 , version = w.version
                 , updated_at = w.updated_at
                 , deleted_at = w.deleted_at
               from wanted w
               join users old on old.tenant_id = $1 and old.id = w.id
               where u.tenant_id = $1 and u.id = w.id and u.version = w.version - 1
               returning u.id, old.email as "email!", old.username_key as "username!""#,
            self.tenant,
            &ids,
            &emails as &[&str],
            &usernames as &[&str],
            &names as &[Option<&str>],
            &active,
            &versions,
            &updated,
            &deleted as &[Option<chrono::DateTime<chrono::Utc>>],
            &events.ids,
            &events.kinds as &[&str],
            &events.actors as &[Option<String>],
            &events.operations as &[Option<Uuid>],
            &events.fields,
            &events.before,
            &events.after,
            NONE,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if old.len() != users.len() {
            return Err(damaged("version of a user"));
        }
        let mut old: HashMap<Uuid, (String, String)> =
            old.into_iter().map(|old| (old.id, (old.email, old.username))).collect();
        for (stored, _) in users {
            let before = old.remove(&stored.user.id.get());
            self.touched.push(touched(TenantId::new(self.tenant), &stored.user, before));
        }
        Ok(())
    }

    pub(super) async fn note_many(&mut self, events: &[UserEvent]) -> Result<(), RepositoryError> {
        let users: Vec<Uuid> = events.iter().map(|event| event.user.get()).collect();
        let at: Vec<_> = events.iter().map(|event| event.at).collect();
        let events = Events::of(|| events.iter());
        sqlx::query!(
            r#"insert into user_events (
                   tenant_id, user_id, id, operation_id, kind, actor, fields, before, after, at
               )
               select
                   $1, e.user_id, e.id, e.operation_id, e.kind, e.actor
                 , string_to_array(e.fields, ',')
                 , string_to_array(e.before, ',', $10)
                 , string_to_array(e.after, ',', $10)
                 , e.at
               from unnest(
                   $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                   $11::timestamptz[]
               ) as e (user_id, id, operation_id, kind, actor, fields, before, after, at)"#,
            self.tenant,
            &users,
            &events.ids,
            &events.operations as &[Option<Uuid>],
            &events.kinds as &[&str],
            &events.actors as &[Option<String>],
            &events.fields,
            &events.before,
            &events.after,
            NONE,
            &at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }

    pub(super) async fn remove_many(&mut self, ids: &[UserId]) -> Result<u64, RepositoryError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.get()).collect();
        let removed = sqlx::query!(
            r#"with events as (
                   delete from user_events where tenant_id = $1 and user_id = any($2) and last_user_id is null
               ), mails as (
                   delete from welcome_mails where tenant_id = $1 and user_id = any($2)
               ), reminders as (
                   delete from reminder_mails where tenant_id = $1 and user_id = any($2) and refused_at is not null
               ), keys as (
                   delete from idempotency_keys where tenant_id = $1 and user_id = any($2)
               ), former as (
                   update operation_rows set before = null
                   where tenant_id = $1 and user_id = any($2) and before is not null
               )
               delete from users
               where tenant_id = $1 and id = any($2)
               returning id, email, username_key as "username!""#,
            self.tenant,
            &ids,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let tenant = TenantId::new(self.tenant);
        let count = u64::try_from(removed.len()).unwrap_or(u64::MAX);
        self.touched.extend(removed.into_iter().map(|user| Touched::User {
            tenant,
            id: UserId::new(user.id),
            emails: vec![user.email],
            usernames: vec![user.username],
        }));
        Ok(count)
    }
}
