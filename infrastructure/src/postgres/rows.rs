use muster_domain::operations::{FailedRow, RowStatus};
use muster_domain::{OperationId, RepositoryError};

use super::convert::{to_i32, to_u32, to_u64};
use super::error::{damaged, repository_error};
use super::unit_of_work::PgUnitOfWork;

impl PgUnitOfWork {
    pub(super) async fn store_rows(
        &mut self,
        operation: OperationId,
        rows: &[FailedRow],
    ) -> Result<(), RepositoryError> {
        let numbers = rows.iter().map(|row| to_i32(row.row)).collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<i64> = rows.iter().map(|row| i64::try_from(row.line).unwrap_or(i64::MAX)).collect();
        let statuses: Vec<&str> = rows.iter().map(|row| row.status.name()).collect();
        let problems: Vec<&str> = rows.iter().map(|row| row.problems.as_str()).collect();
        sqlx::query!(
            r#"insert into operation_rows (tenant_id, operation_id, number, line, status, problems)
               select $1, $2, r.number, r.line, r.status, r.problems::jsonb
               from unnest($3::integer[], $4::bigint[], $5::text[], $6::text[]) as r (number, line, status, problems)
               on conflict do nothing"#,
            self.tenant,
            operation.get(),
            &numbers,
            &lines,
            &statuses as &[&str],
            &problems as &[&str],
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(())
    }

    pub(super) async fn failed_rows(
        &mut self,
        operation: OperationId,
        status: Option<RowStatus>,
        after: u32,
        limit: u32,
    ) -> Result<Vec<FailedRow>, RepositoryError> {
        let rows = sqlx::query!(
            r#"select
                   number
                 , line
                 , status
                 , problems::text as "problems!"
               from operation_rows
               where tenant_id = $1 and operation_id = $2 and number > $3 and ($5::text is null or status = $5)
               order by number
               limit $4"#,
            self.tenant,
            operation.get(),
            i32::try_from(after).unwrap_or(i32::MAX),
            i64::from(limit),
            status.map(RowStatus::name),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter()
            .map(|row| {
                Ok(FailedRow {
                    row: to_u32(row.number)?,
                    line: to_u64(row.line)?,
                    status: RowStatus::from_name(&row.status).ok_or_else(|| damaged("row status"))?,
                    problems: row.problems,
                })
            })
            .collect()
    }
}
