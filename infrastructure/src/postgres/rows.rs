use muster_domain::operations::{RetriedRow, RowStatus, StoredRow, StoredRows};
use muster_domain::{OperationId, RepositoryError, UserId};
use uuid::Uuid;

use super::convert::{to_i32, to_u32, to_u64};
use super::error::{damaged, repository_error};
use super::unit_of_work::PgUnitOfWork;

struct Row {
    number: i32,
    line: i64,
    status: String,
    user_id: Option<Uuid>,
    version: Option<i64>,
    before: Option<String>,
    problems: String,
    retried_by: Option<Uuid>,
    retried_number: Option<i32>,
    retried_status: Option<String>,
    retried_user: Option<Uuid>,
}

impl Row {
    fn retried(&self) -> Result<Option<RetriedRow>, RepositoryError> {
        let Some(by) = self.retried_by else { return Ok(None) };
        let status = self.retried_status.as_deref().and_then(RowStatus::from_name);
        Ok(Some(RetriedRow {
            by: OperationId::new(by),
            row: to_u32(self.retried_number.unwrap_or_default())?,
            status: status.ok_or_else(|| damaged("row status"))?,
            user: self.retried_user.map(UserId::new),
        }))
    }

    fn read(self) -> Result<StoredRow, RepositoryError> {
        let retried = self.retried()?;
        Ok(StoredRow {
            row: to_u32(self.number)?,
            line: to_u64(self.line)?,
            status: RowStatus::from_name(&self.status).ok_or_else(|| damaged("row status"))?,
            user: self.user_id.map(UserId::new),
            version: self.version,
            before: self.before,
            problems: self.problems,
            retried,
        })
    }
}

impl PgUnitOfWork {
    pub(super) async fn store_rows(
        &mut self,
        operation: OperationId,
        rows: &[StoredRow],
    ) -> Result<(), RepositoryError> {
        let numbers = rows.iter().map(|row| to_i32(row.row)).collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<i64> = rows.iter().map(|row| i64::try_from(row.line).unwrap_or(i64::MAX)).collect();
        let statuses: Vec<&str> = rows.iter().map(|row| row.status.name()).collect();
        let users: Vec<Option<Uuid>> = rows.iter().map(|row| row.user.map(UserId::get)).collect();
        let versions: Vec<Option<i64>> = rows.iter().map(|row| row.version).collect();
        let before: Vec<Option<&str>> = rows.iter().map(|row| row.before.as_deref()).collect();
        let problems: Vec<&str> = rows.iter().map(|row| row.problems.as_str()).collect();
        sqlx::query!(
            r#"insert into operation_rows (
                   tenant_id, operation_id, number, line, status, user_id, version, before, problems
               )
               select $1, $2, r.number, r.line, r.status, r.user_id, r.version, r.before::jsonb, r.problems::jsonb
               from unnest(
                   $3::integer[], $4::bigint[], $5::text[], $6::uuid[], $7::bigint[], $8::text[], $9::text[]
               ) as r (number, line, status, user_id, version, before, problems)
               on conflict do nothing"#,
            self.tenant,
            operation.get(),
            &numbers,
            &lines,
            &statuses as &[&str],
            &users as &[Option<Uuid>],
            &versions as &[Option<i64>],
            &before as &[Option<&str>],
            &problems as &[&str],
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }

    pub(super) async fn rows_between(
        &mut self,
        operation: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select
                   number
                 , line
                 , status
                 , user_id
                 , version
                 , before::text
                 , problems::text as "problems!"
                 , retried_by
                 , retried_row as retried_number
                 , retried_status
                 , retried_user
               from operation_rows
               where tenant_id = $1 and operation_id = $2 and number between $3 and $4
               order by number"#,
            self.tenant,
            operation.get(),
            to_i32(first)?,
            to_i32(last)?,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(Row::read).collect()
    }

    pub(super) async fn rows_after(
        &mut self,
        operation: OperationId,
        wanted: StoredRows,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        let only = match wanted {
            StoredRows::Only(status) if status.is_problem() => {
                return self.problems(operation, Some(status), after, limit).await;
            }
            StoredRows::Problems => return self.problems(operation, None, after, limit).await,
            StoredRows::Only(status) => Some(status),
            StoredRows::All => None,
        };
        let rows = sqlx::query_as!(
            Row,
            r#"select
                   number
                 , line
                 , status
                 , user_id
                 , version
                 , before::text
                 , problems::text as "problems!"
                 , retried_by
                 , retried_row as retried_number
                 , retried_status
                 , retried_user
               from operation_rows
               where tenant_id = $1 and operation_id = $2 and number > $3 and ($5::text is null or coalesce(retried_status, status) = $5)
               order by number
               limit $4"#,
            self.tenant,
            operation.get(),
            i32::try_from(after).unwrap_or(i32::MAX),
            i64::from(limit),
            only.map(RowStatus::name),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Written as the index says it, which has these rows only.
    async fn problems(
        &mut self,
        operation: OperationId,
        only: Option<RowStatus>,
        after: u32,
        limit: u32,
    ) -> Result<Vec<StoredRow>, RepositoryError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select
                   number
                 , line
                 , status
                 , user_id
                 , version
                 , before::text
                 , problems::text as "problems!"
                 , retried_by
                 , retried_row as retried_number
                 , retried_status
                 , retried_user
               from operation_rows
               where tenant_id = $1 and operation_id = $2 and number > $3 and status in ('failed', 'mail_refused')
                 and retried_by is null and ($5::text is null or status = $5)
               order by number
               limit $4"#,
            self.tenant,
            operation.get(),
            i32::try_from(after).unwrap_or(i32::MAX),
            i64::from(limit),
            only.map(RowStatus::name),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(Row::read).collect()
    }

    pub(super) async fn retried(
        &mut self,
        operation: OperationId,
        rows: &[(u32, RetriedRow)],
    ) -> Result<(), RepositoryError> {
        let numbers = rows.iter().map(|(number, _)| to_i32(*number)).collect::<Result<Vec<_>, _>>()?;
        let by: Vec<Uuid> = rows.iter().map(|(_, retried)| retried.by.get()).collect();
        let theirs = rows.iter().map(|(_, retried)| to_i32(retried.row)).collect::<Result<Vec<_>, _>>()?;
        let statuses: Vec<&str> = rows.iter().map(|(_, retried)| retried.status.name()).collect();
        let users: Vec<Option<Uuid>> = rows.iter().map(|(_, retried)| retried.user.map(UserId::get)).collect();
        sqlx::query!(
            r#"update operation_rows r
               set retried_by = t.by, retried_row = t.row, retried_status = t.status, retried_user = t.user_id
               from unnest($3::integer[], $4::uuid[], $5::integer[], $6::text[], $7::uuid[])
                   as t (number, by, row, status, user_id)
               where r.tenant_id = $1 and r.operation_id = $2 and r.number = t.number
                 and r.status = 'failed' and r.retried_by is null"#,
            self.tenant,
            operation.get(),
            &numbers,
            &by,
            &theirs,
            &statuses as &[&str],
            &users as &[Option<Uuid>],
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }
}
