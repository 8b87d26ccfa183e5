use std::time::Duration;

use async_trait::async_trait;
use muster_domain::users::{SearchIndexReader, SearchIndexRepository, UserFilter};
use muster_domain::{RepositoryError, TenantId};
use uuid::Uuid;

use super::error::repository_error;
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;
use super::user_list::containing;

/// A line of the queue with so many users is of a block; the others are of single writes, for which nobody waits.
const BULK: i64 = 1_000;
/// Lines that one step looks at.
const LINES: i64 = 1_000;
/// How long a line of a block waits at most, in seconds.
const OVERDUE: f64 = 60.0;
/// A trigram index can only help to find parts with so many letters or digits in a row.
const TRIGRAM: usize = 3;
/// A search with more hits than this is read from the list, where they are dense enough to fill a page soon.
const MOST_HITS: usize = 10_000;

#[async_trait]
impl SearchIndexRepository for PgUnitOfWork {
    async fn index(&mut self, at_most: u32, rest: Duration) -> Result<u64, RepositoryError> {
        // One at a time in a tenant: of two that read the same user, the one with the older text could write last.
        let is_ours = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended('user_search ' || $1::text, 0)) as "is_ours!""#,
            self.tenant.to_string(),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        if !is_ours {
            return Ok(0);
        }
        let indexed = sqlx::query_scalar!(
            r#"with due as (
                   select id, users, (sum(users) over (order by id))::bigint as through
                   from (
                       select id, users
                       from user_search_queue q
                       where q.tenant_id = $1
                         and (
                             q.users < $3
                             or q.queued_at < now() - make_interval(secs => $6)
                             or not exists (
                                 select from user_search_queue late
                                 where late.tenant_id = $1
                                   and late.users >= $3
                                   and late.queued_at > now() - make_interval(secs => $5)
                             )
                         )
                       order by id
                       limit $4
                   ) oldest
               ), taken as (
                   delete from user_search_queue q
                   using due
                   where q.tenant_id = $1 and q.id = due.id and (due.through <= $2 or due.through = due.users)
                   returning q.ids, q.users
               ), wanted as materialized (
                   select distinct unnest(ids) as id from taken
               ), gone as (
                   delete from user_search s
                   using wanted w
                   where s.tenant_id = $1 and s.id = w.id
                     and not exists (
                         select from users u where u.tenant_id = $1 and u.id = w.id and u.deleted_at is null
                     )
               ), there as (
                   insert into user_search (tenant_id, id, doc)
                   select u.tenant_id
                        , u.id
                        , lower(u.email) || E'\n' || u.username_key || E'\n' || coalesce(lower(u.full_name), '')
                   from wanted w
                   join users u on u.tenant_id = $1 and u.id = w.id and u.deleted_at is null
                   order by u.id
                   on conflict (id, (tenant_id::text)) do update set doc = excluded.doc
                   where user_search.doc <> excluded.doc
               )
               select coalesce(sum(users), 0)::bigint as "indexed!" from taken"#,
            self.tenant,
            i64::from(at_most),
            BULK,
            LINES,
            rest.as_secs_f64(),
            OVERDUE,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u64::try_from(indexed).unwrap_or_default())
    }
}

impl PgUnitOfWork {
    /// Ids of all users whom the filter may mean, by the index of texts; none when it cannot help.
    ///
    /// Some of them the filter does not mean: of the index only the texts are asked, and of who is not in it yet
    /// nothing.
    pub(super) async fn candidates(&mut self, filter: &UserFilter) -> Result<Option<Vec<Uuid>>, RepositoryError> {
        let parts = [&filter.email, &filter.username, &filter.full_name];
        let [email, username, full_name] =
            parts.map(|part| part.as_ref().filter(|part| has_trigram(part)).map(|part| containing(part)));
        if filter.deleted || (email.is_none() && username.is_none() && full_name.is_none()) {
            return Ok(None);
        }
        let most = i32::try_from(MOST_HITS).unwrap_or(i32::MAX);
        // One statement, so that nobody is taken from the queue into the index in between.
        let ids = sqlx::query_scalar!(
            r#"select case when waiting.users <= $5::integer then array(
                   select found.id from muster_search_users($2, $3, $4, $5::integer + 1) as found (id)
                   union
                   select unnest(q.ids) from user_search_queue q where q.tenant_id = $1
               ) end as "ids: Vec<Uuid>"
               from (
                   select coalesce(sum(users), 0) as users from user_search_queue where tenant_id = $1
               ) waiting"#,
            self.tenant,
            email,
            username,
            full_name,
            most,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(ids.filter(|ids| ids.len() <= MOST_HITS))
    }
}

/// Whether a pattern with this part has a trigram to look for.
fn has_trigram(part: &str) -> bool {
    part.split(|c: char| !c.is_alphanumeric()).any(|run| run.chars().count() >= TRIGRAM)
}

#[async_trait]
impl SearchIndexReader for PgReaders {
    /// Another wing of the sweeper's door (`migrations/0008_user_search.sql`).
    async fn unindexed(&self, limit: u32) -> Result<Vec<TenantId>, RepositoryError> {
        let tenants = sqlx::query_scalar!(
            r#"select tenant_id as "tenant_id!" from muster_unindexed($1)"#,
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        Ok(tenants.into_iter().map(TenantId::new).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::has_trigram;

    #[test]
    fn three_letters_or_digits_in_a_row_make_a_trigram() {
        for part in ["ada", "a.b@cde", "Ünal", "12345", "a-b-c-def"] {
            assert!(has_trigram(part), "{part}");
        }
        for part in ["", "ad", "a.b.c", "%__", "ad@ex"] {
            assert!(!has_trigram(part), "{part}");
        }
    }
}
