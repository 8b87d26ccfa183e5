use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use muster_domain::users::{EXACT_TOTAL, PageStart, User, UserEvent, UserFilter, UserList};
use muster_domain::{EventId, RepositoryError, TenantId, UserId};
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::error::{damaged, repository_error};
use super::unit_of_work::begin;
use super::users::UserRow;

/// How long a total above [`EXACT_TOTAL`] is believed: less than the five seconds that are promised, because counting
/// takes time as well.
const TOTAL_LIFE: Duration = Duration::from_secs(4);
/// Totals that are remembered: a tenant and a filter each.
const TOTALS: u64 = 10_000;
/// Lists of users on a pool, each read in a transaction of its own that sees one tenant.
#[derive(Debug, Clone)]
pub struct PgUserList {
    pool: PgPool,
    totals: Cache<(TenantId, UserFilter), u64>,
}

impl PgUserList {
    /// Lists on this pool.
    pub fn new(pool: PgPool) -> Self {
        let totals = Cache::builder().max_capacity(TOTALS).time_to_live(TOTAL_LIFE).build();
        Self { pool, totals }
    }

    async fn count(&self, tenant: TenantId, filter: &UserFilter, at_most: Option<u64>) -> Result<u64, RepositoryError> {
        let mut uow = begin(&self.pool, tenant.get()).await?;
        let mut query = QueryBuilder::<Postgres>::new("select count(*) from (select from ");
        among(&mut query, tenant, uow.candidates(filter).await?);
        matching(&mut query, tenant, filter);
        if let Some(at_most) = at_most {
            query.push(" limit ").push_bind(i64::try_from(at_most).unwrap_or(i64::MAX));
        }
        query.push(") matching");
        let count: i64 = query.build_query_scalar().fetch_one(&mut *uow.tx).await.map_err(repository_error)?;
        uow.tx.commit().await.map_err(repository_error)?;
        u64::try_from(count).map_err(|_| damaged("count"))
    }
}

/// The users to look at: all, or only these. They are read by their ids before anything else is asked; otherwise the
/// planner may prefer to read the whole list, because it does not know where in it they are.
fn among(query: &mut QueryBuilder<Postgres>, tenant: TenantId, candidates: Option<Vec<Uuid>>) {
    if let Some(ids) = candidates {
        query.push("(select * from users where tenant_id = ").push_bind(tenant.get());
        query.push(" and id = any(").push_bind(ids).push(") offset 0) users");
    } else {
        query.push("users");
    }
    query.push(" where ");
}

/// The conditions that a filter stands for, the tenant's first.
fn matching(query: &mut QueryBuilder<Postgres>, tenant: TenantId, filter: &UserFilter) {
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

    async fn total(&self, tenant: TenantId, filter: &UserFilter) -> Result<u64, RepositoryError> {
        let key = (tenant, filter.clone());
        if let Some(total) = self.totals.get(&key).await {
            return Ok(total);
        }
        let exact = self.count(tenant, filter, Some(EXACT_TOTAL + 1)).await?;
        if exact <= EXACT_TOTAL {
            return Ok(exact);
        }
        // However many ask at once, it is counted once.
        let counted = self.totals.try_get_with(key, self.count(tenant, filter, None)).await;
        counted.map_err(|error| RepositoryError::Unavailable(error.to_string().into()))
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
