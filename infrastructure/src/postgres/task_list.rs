use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::tasks::{Task, TaskFilter, TaskPosition, TaskReader, TaskSort, TaskSortKey, TaskSortValue};
use muster_domain::{RepositoryError, TaskId, TenantId, UserId};
use sqlx::{Postgres, QueryBuilder};

use super::error::repository_error;
use super::readers::PgReaders;
use super::unit_of_work::begin;
use super::user_list::containing;

/// What stands for "never due" in the index: the year 10000, which no date reaches.
const NEVER: &str = "coalesce(due_at, '10000-01-01 00:00:00+00'::timestamptz)";

const fn never() -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(253_402_300_800, 0)
}

/// The conditions that a filter stands for.
fn matching(query: &mut QueryBuilder<Postgres>, filter: &TaskFilter) {
    query.push(if filter.deleted { " and deleted_at is not null" } else { " and deleted_at is null" });
    if !filter.statuses.is_empty() {
        let names: Vec<String> = filter.statuses.iter().map(|status| status.name().to_owned()).collect();
        query.push(" and status = any(").push_bind(names).push(")");
    }
    match filter.assignee {
        None => {}
        Some(None) => {
            query.push(" and assignee_id is null");
        }
        Some(Some(assignee)) => {
            query.push(" and assignee_id = ").push_bind(UserId::get(assignee));
        }
    }
    if !filter.priorities.is_empty() {
        let ranks: Vec<i16> = filter.priorities.iter().map(|priority| priority.rank()).collect();
        query.push(" and priority = any(").push_bind(ranks).push(")");
    }
    if let Some(tag) = &filter.tag {
        query.push(" and ").push_bind(tag.clone()).push(" = any(tags)");
    }
    if let Some(after) = filter.due_after {
        query.push(format!(" and due_at is not null and {NEVER} >= ")).push_bind(after);
    }
    if let Some(before) = filter.due_before {
        query.push(format!(" and {NEVER} <= ")).push_bind(before);
    }
    if let Some(text) = &filter.text {
        let pattern = containing(text);
        query.push(" and (lower(title) like ").push_bind(pattern.clone());
        query.push(" or lower(description) like ").push_bind(pattern).push(")");
    }
}

/// The order, behind a position.
fn sorted(query: &mut QueryBuilder<Postgres>, sort: TaskSort, after: Option<TaskPosition>) {
    let column = match sort.key {
        TaskSortKey::CreatedAt => "created_at",
        TaskSortKey::DueAt => NEVER,
        TaskSortKey::Priority => "priority",
    };
    if let Some(TaskPosition { value, id }) = after {
        query.push(format!(" and ({column}, id) {} (", if sort.descending { "<" } else { ">" }));
        match value {
            TaskSortValue::At(at) => query.push_bind(at.or_else(never)),
            TaskSortValue::Priority(priority) => query.push_bind(priority.rank()),
        };
        query.push(", ").push_bind(id.get()).push(")");
    }
    let order = if sort.descending { "desc" } else { "asc" };
    query.push(format!(" order by {column} {order}, id {order} limit "));
}

#[async_trait]
impl TaskReader for PgReaders {
    async fn find(&self, tenant: TenantId, id: TaskId) -> Result<Option<Task>, RepositoryError> {
        let mut uow = begin(self.pool(), tenant.get()).await?;
        let mut query = uow.select_tasks();
        query.push(" and id = ").push_bind(id.get()).push(" and deleted_at is null");
        let found = uow.tasks_of(query).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(found.into_iter().next().map(|stored| stored.task))
    }

    async fn find_all(&self, tenant: TenantId, ids: &[TaskId]) -> Result<Vec<Task>, RepositoryError> {
        let ids: Vec<_> = ids.iter().map(|id| id.get()).collect();
        let mut uow = begin(self.pool(), tenant.get()).await?;
        let mut query = uow.select_tasks();
        query.push(" and id = any(").push_bind(ids).push(") and deleted_at is null order by id");
        let found = uow.tasks_of(query).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(found.into_iter().map(|stored| stored.task).collect())
    }

    async fn page(
        &self,
        tenant: TenantId,
        filter: &TaskFilter,
        sort: TaskSort,
        after: Option<TaskPosition>,
        limit: u32,
    ) -> Result<Vec<Task>, RepositoryError> {
        let mut uow = begin(self.pool(), tenant.get()).await?;
        let mut query = uow.select_tasks();
        matching(&mut query, filter);
        sorted(&mut query, sort, after);
        query.push_bind(i64::from(limit));
        let found = uow.tasks_of(query).await?;
        uow.tx.commit().await.map_err(repository_error)?;
        Ok(found.into_iter().map(|stored| stored.task).collect())
    }
}
