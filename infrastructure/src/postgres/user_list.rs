use async_trait::async_trait;
use muster_domain::users::{PageStart, User, UserEvent, UserFilter, UserList, UserSnapshot};
use muster_domain::{EventId, RepositoryError, TenantId, UserId};
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::error::repository_error;
use super::kept::KeptConnections;
use super::pool::usable;
use super::unit_of_work::begin;
use super::user_snapshot::PgUserSnapshots;
use super::user_totals::PgUserTotals;
use super::users::UserRow;

/// Lists of users on a pool: each page is read in a transaction of its own that sees one tenant.
#[derive(Debug, Clone)]
pub struct PgUserList {
    pool: PgPool,
    connections: KeptConnections,
    totals: PgUserTotals,
    snapshots: PgUserSnapshots,
}

impl PgUserList {
    /// Lists on this pool.
    pub fn new(pool: PgPool) -> Self {
        Self {
            connections: KeptConnections::new(pool.clone()),
            totals: PgUserTotals::new(pool.clone()),
            snapshots: PgUserSnapshots::new(pool.clone()),
            pool,
        }
    }

    /// A page of all the living: what is asked most, in one round trip where a unit of work has three.
    async fn living(&self, tenant: TenantId, start: PageStart, limit: u32) -> Result<Vec<UserRow>, sqlx::Error> {
        let (after, skipped) = match start {
            PageStart::After(after) => (after, 0),
            PageStart::Offset(skipped) => (None, skipped),
        };
        usable(&self.pool, async || {
            let mut lent = self.connections.take().await?;
            let rows = sqlx::query_as!(
                UserRow,
                r#"select
                       id as "id!"
                     , email as "email!"
                     , username as "username!"
                     , full_name
                     , is_active as "is_active!"
                     , version as "version!"
                     , created_at as "created_at!"
                     , updated_at as "updated_at!"
                   from muster_user_page($1, $2, $3, $4, $5)"#,
                tenant.get(),
                after.map(|after| after.created_at),
                after.map(|after| after.id.get()),
                i64::from(skipped),
                i64::from(limit),
            )
            .fetch_all(&mut *lent.connection)
            .await?;
            self.connections.keep(lent);
            Ok(rows)
        })
        .await
    }
}

/// The users to look at: all, or only these. They are read by their ids before anything else is asked; otherwise the
/// planner may prefer to read the whole list, because it does not know where in it they are.
pub(super) fn among(query: &mut QueryBuilder<Postgres>, tenant: TenantId, candidates: Option<Vec<Uuid>>) {
    if let Some(ids) = candidates {
        query.push("(select * from users where tenant_id = ").push_bind(tenant.get());
        query.push(" and id = any(").push_bind(ids).push(") offset 0) users");
    } else {
        query.push("users");
    }
    query.push(" where ");
}

/// The conditions that a filter stands for, the tenant's first.
pub(super) fn matching(query: &mut QueryBuilder<Postgres>, tenant: TenantId, filter: &UserFilter) {
    query.push("tenant_id = ").push_bind(tenant.get());
    query.push(if filter.deleted { " and deleted_at is not null" } else { " and deleted_at is null" });
    for (column, part) in [("email", &filter.email), ("username", &filter.username), ("full_name", &filter.full_name)] {
        if let Some(part) = part {
            query.push(format!(" and lower({column}) like ")).push_bind(containing(part));
        }
    }
    if let Some(email) = &filter.email_exact {
        query.push(" and email = ").push_bind(email.to_lowercase());
    }
    if let Some(username) = &filter.username_exact {
        query.push(" and username_key = ").push_bind(username.to_lowercase());
    }
    if let Some(is_active) = filter.is_active {
        query.push(" and is_active = ").push_bind(is_active);
    }
    for (condition, moment) in [
        (" and created_at >= ", filter.created_after),
        (" and created_at <= ", filter.created_before),
        (" and updated_at >= ", filter.updated_after),
        (" and updated_at <= ", filter.updated_before),
        (" and deleted_at <= ", filter.deleted_before),
    ] {
        if let Some(moment) = moment {
            query.push(condition).push_bind(moment);
        }
    }
}

/// A pattern for text that contains `part`; `%`, `_` and `\` stand for themselves.
pub(super) fn containing(part: &str) -> String {
    let mut pattern = String::with_capacity(part.len() + 2);
    pattern.push('%');
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[async_trait]
impl UserList for PgUserList {
    async fn page(
        &self,
        tenant: TenantId,
        filter: &UserFilter,
        start: PageStart,
        limit: u32,
    ) -> Result<Vec<User>, RepositoryError> {
        if *filter == UserFilter::living() {
            let rows = self.living(tenant, start, limit).await.map_err(repository_error)?;
            return Ok(rows.into_iter().map(User::from).collect());
        }
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let mut query = QueryBuilder::<Postgres>::new(
            "select id, email, username, full_name, is_active, version, created_at, updated_at from ",
        );
        among(&mut query, tenant, uow.candidates(filter).await?);
        matching(&mut query, tenant, filter);
        if let PageStart::After(Some(after)) = start {
            query.push(" and (created_at, id) < (").push_bind(after.created_at);
            query.push(", ").push_bind(after.id.get()).push(")");
        }
        query.push(" order by created_at desc, id desc limit ").push_bind(i64::from(limit));
        if let PageStart::Offset(offset) = start {
            query.push(" offset ").push_bind(i64::from(offset));
        }
        let rows: Vec<UserRow> = query.build_query_as().fetch_all(&mut *uow.tx).await.map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(rows.into_iter().map(User::from).collect())
    }

    async fn snapshot(&self, tenant: TenantId, filter: &UserFilter) -> Result<Box<dyn UserSnapshot>, RepositoryError> {
        self.snapshots.open(tenant, filter).await
    }

    async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError> {
        self.totals.total(tenant, filter).await
    }

    async fn history(
        &self,
        tenant: TenantId,
        user: UserId,
        before: Option<EventId>,
        limit: u32,
    ) -> Result<Option<Vec<UserEvent>>, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let events = uow.history(user, before, limit).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(events)
    }
}
