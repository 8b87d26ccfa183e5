//! Operations that go on from others: undo, plan and apply, retry.

use chrono::{DateTime, Utc};
use muster_domain::operations::{PlanDigest, Relation, Usage};
use muster_domain::{OperationId, RepositoryError};

use super::convert::{to_i32, to_u32, to_u64};
use super::error::{damaged, one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

/// A digest as it is stored.
pub(super) fn digest(bytes: Vec<u8>) -> Result<PlanDigest, RepositoryError> {
    bytes.try_into().map_err(|_| damaged("digest"))
}

impl PgUnitOfWork {
    pub(super) async fn child(
        &mut self,
        parent: OperationId,
        relation: Relation,
    ) -> Result<Option<OperationId>, RepositoryError> {
        // What an earlier release stored without a relation undoes.
        let id = sqlx::query_scalar!(
            r#"select id
               from operations
               where tenant_id = $1 and parent_id = $2 and coalesce(relation, 'undo') = $3
               order by created_at desc, id desc
               limit 1"#,
            self.tenant,
            parent.get(),
            relation.name(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(id.map(OperationId::new))
    }

    pub(super) async fn copy_blocks_of(
        &mut self,
        operation: OperationId,
        parent: OperationId,
    ) -> Result<(u32, u32), RepositoryError> {
        let copied = sqlx::query!(
            r#"with copied as (
                   insert into operation_blocks (tenant_id, operation_id, number, first_row, row_count)
                   select tenant_id, $2, row_number() over (order by first_row) - 1, first_row, row_count
                   from operation_blocks
                   where tenant_id = $1 and operation_id = $3 and settled_at is not null and (created > 0 or changed > 0)
                   returning row_count
               )
               select count(*)::integer as "blocks!", coalesce(sum(row_count), 0)::integer as "rows!" from copied"#,
            self.tenant,
            operation.get(),
            parent.get(),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok((to_u32(copied.rows)?, to_u32(copied.blocks)?))
    }

    pub(super) async fn undone_by_others(
        &mut self,
        operation: OperationId,
        undo: OperationId,
        first: u32,
        last: u32,
    ) -> Result<Vec<u32>, RepositoryError> {
        let numbers = sqlx::query_scalar!(
            r#"select distinct r.number
               from operations o
               join operation_rows r on r.tenant_id = o.tenant_id and r.operation_id = o.id
               where o.tenant_id = $1 and o.parent_id = $2 and coalesce(o.relation, 'undo') = 'undo' and o.id <> $3
                 and r.number between $4 and $5 and r.status in ('updated', 'deleted', 'restored')
               order by r.number"#,
            self.tenant,
            operation.get(),
            undo.get(),
            to_i32(first)?,
            to_i32(last)?,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        numbers.into_iter().map(to_u32).collect()
    }

    pub(super) async fn copy_blocks_of_plan(
        &mut self,
        operation: OperationId,
        plan: OperationId,
    ) -> Result<(u32, u32), RepositoryError> {
        let copied = sqlx::query!(
            r#"with copied as (
                   insert into operation_blocks (tenant_id, operation_id, number, first_row, row_count, payload, expected)
                   select b.tenant_id, $2, b.number, b.first_row, b.row_count, b.payload, b.digest
                   from operation_blocks b
                   join operations o on o.tenant_id = b.tenant_id and o.id = b.operation_id
                   where b.tenant_id = $1 and b.operation_id = $3
                     and not exists (
                         select from operation_blocks gone
                         where gone.tenant_id = $1 and gone.operation_id = $3
                           and (gone.payload is null or gone.digest is null)
                     )
                   returning row_count
               )
               select count(*)::integer as "blocks!", coalesce(sum(row_count), 0)::integer as "rows!" from copied"#,
            self.tenant,
            operation.get(),
            plan.get(),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok((to_u32(copied.rows)?, to_u32(copied.blocks)?))
    }

    pub(super) async fn note_digest(
        &mut self,
        operation: OperationId,
        number: u32,
        digest: PlanDigest,
    ) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update operation_blocks
               set digest = $4
               where tenant_id = $1 and operation_id = $2 and number = $3 and settled_at is null"#,
            self.tenant,
            operation.get(),
            to_i32(number)?,
            digest.as_slice(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn digests_of_blocks(
        &mut self,
        operation: OperationId,
    ) -> Result<Vec<PlanDigest>, RepositoryError> {
        let found = sqlx::query_scalar!(
            r#"select digest as "digest!"
               from operation_blocks
               where tenant_id = $1 and operation_id = $2 and digest is not null
               order by number"#,
            self.tenant,
            operation.get(),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        found.into_iter().map(digest).collect()
    }

    pub(super) async fn expect_nothing(&mut self, operation: OperationId) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update operation_blocks
               set expected = null
               where tenant_id = $1 and operation_id = $2 and settled_at is null and expected is not null"#,
            self.tenant,
            operation.get(),
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    pub(super) async fn used(&mut self, since: DateTime<Utc>) -> Result<Usage, RepositoryError> {
        let used = sqlx::query!(
            r#"select
                   (
                       select count(*)
                       from operations
                       where tenant_id = $1 and finished_at is null and coalesce(relation, '') <> 'undo'
                   ) as "open!"
                 , (
                       select coalesce(sum(rows_total), 0)
                       from operations
                       where tenant_id = $1 and created_at > $2 and coalesce(relation, '') <> 'undo'
                   ) as "rows!""#,
            self.tenant,
            since,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(Usage { open: u32::try_from(used.open).map_err(|_| damaged("number"))?, rows: to_u64(used.rows)? })
    }

    pub(super) async fn prepared(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update operations set prepared_at = $3, updated_at = $3 where tenant_id = $1 and id = $2"#,
            self.tenant,
            operation.get(),
            now,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }
}
