use std::cmp::Reverse;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_domain::operations::{
    ErrorBudget, MatchBy, OnConflict, OnError, Operation, OperationFailure, OperationFile, OperationKind,
    OperationOptions, OperationPosition, OperationState, Parent, Pause, PauseReason, Progress, Relation, Retried,
    UndoAsked, UploadFormat,
};
use muster_domain::{OperationId, RepositoryError, TenantId};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::convert::{to_u32, to_u64};
use super::error::{damaged, repository_error};
use super::lineage::digest;
use super::unit_of_work::PgUnitOfWork;

/// An operation with its ledger summed up.
struct OperationRow {
    id: Uuid,
    kind: String,
    state: String,
    format: String,
    on_error: String,
    send_welcome: bool,
    max_errors: Option<String>,
    on_conflict: String,
    match_by: String,
    unknown_columns: Vec<String>,
    rows_total: i32,
    blocks_total: i32,
    pause_reason: Option<String>,
    paused_at: Option<DateTime<Utc>>,
    errors_accepted: i64,
    failure_code: Option<String>,
    failure_detail: Option<String>,
    parent_id: Option<Uuid>,
    relation: Option<String>,
    dry_run: bool,
    plan_digest: Option<Vec<u8>>,
    prepared_at: Option<DateTime<Utc>>,
    undo_asked: bool,
    undo_asked_by: Option<String>,
    actor: Option<String>,
    created_at: DateTime<Utc>,
    queued_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    rows_done: i64,
    created: i64,
    changed: i64,
    failed: i64,
    exported: i64,
    exported_whole: i64,
    blocks_done: i64,
    settled_at: Option<DateTime<Utc>>,
    retries: i64,
    retries_created: i64,
    retries_changed: i64,
    retries_skipped: i64,
    mails_total: i64,
    mails_sent: i64,
    mails_refused: i64,
    mails_settled_at: Option<DateTime<Utc>>,
    file_attempt: Option<i32>,
    file_format: Option<String>,
    file_bytes: Option<i64>,
    file_rows: Option<i32>,
    file_blake3: Option<Vec<u8>>,
    file_created_at: Option<DateTime<Utc>>,
    file_expires_at: Option<DateTime<Utc>>,
}

impl OperationRow {
    fn file(&self) -> Result<Option<OperationFile>, RepositoryError> {
        let (Some(attempt), Some(format), Some(bytes), Some(rows), Some(blake3), Some(created_at), Some(expires_at)) = (
            self.file_attempt,
            self.file_format.as_deref(),
            self.file_bytes,
            self.file_rows,
            self.file_blake3.as_deref(),
            self.file_created_at,
            self.file_expires_at,
        ) else {
            return Ok(None);
        };
        Ok(Some(OperationFile {
            attempt: to_u32(attempt)?,
            format: UploadFormat::from_name(format).ok_or_else(|| damaged("format"))?,
            bytes: to_u64(bytes)?,
            rows: to_u32(rows)?,
            blake3: blake3.try_into().map_err(|_| damaged("digest"))?,
            created_at,
            expires_at,
        }))
    }

    fn read(self, tenant: TenantId) -> Result<Operation, RepositoryError> {
        let on_error = OnError::from_name(&self.on_error).ok_or_else(|| damaged("error policy"))?;
        let budget = |text: &str| ErrorBudget::parse(text).ok_or_else(|| damaged("error budget"));
        let reason = |name: &str| PauseReason::from_name(name).ok_or_else(|| damaged("reason of a pause"));
        let relation = |name: &str| Relation::from_name(name).ok_or_else(|| damaged("relation"));
        let relation = self.relation.as_deref().map(relation).transpose()?;
        let file = self.file()?;
        let pause_reason = self.pause_reason.as_deref().map(reason).transpose()?;
        Ok(Operation {
            id: OperationId::new(self.id),
            tenant,
            kind: OperationKind::from_name(&self.kind).ok_or_else(|| damaged("kind"))?,
            state: OperationState::from_name(&self.state).ok_or_else(|| damaged("state"))?,
            format: UploadFormat::from_name(&self.format).ok_or_else(|| damaged("format"))?,
            options: OperationOptions {
                on_error,
                send_welcome: self.send_welcome,
                max_errors: self.max_errors.as_deref().map(budget).transpose()?,
                on_conflict: OnConflict::from_name(&self.on_conflict).ok_or_else(|| damaged("conflict policy"))?,
                match_by: MatchBy::from_name(&self.match_by).ok_or_else(|| damaged("key of a row"))?,
                dry_run: self.dry_run,
            },
            unknown_columns: self.unknown_columns,
            progress: Progress {
                rows_total: u64::from(to_u32(self.rows_total)?) + to_u64(self.exported_whole)?,
                rows_done: to_u64(self.rows_done)?,
                created: to_u64(self.created)?,
                changed: to_u64(self.changed)?,
                failed: to_u64(self.failed)?,
                exported: to_u64(self.exported)?,
                blocks_total: to_u32(self.blocks_total)?,
                blocks_done: u32::try_from(self.blocks_done).map_err(|_| damaged("number"))?,
                settled_at: self.settled_at,
                mails_total: to_u64(self.mails_total)?,
                mails_sent: to_u64(self.mails_sent)?,
                mails_refused: to_u64(self.mails_refused)?,
                mails_settled_at: self.mails_settled_at,
            },
            retried: Retried {
                retries: u32::try_from(self.retries).map_err(|_| damaged("number"))?,
                created: to_u64(self.retries_created)?,
                changed: to_u64(self.retries_changed)?,
                skipped: to_u64(self.retries_skipped)?,
            },
            pause: pause_reason.zip(self.paused_at).map(|(reason, since)| Pause { reason, since }),
            errors_accepted: to_u64(self.errors_accepted)?,
            file,
            failure: self
                .failure_code
                .map(|code| OperationFailure { code, detail: self.failure_detail.unwrap_or_default() }),
            parent: self.parent_id.map(OperationId::new).zip(relation).map(|(id, relation)| Parent { id, relation }),
            plan: self.plan_digest.map(digest).transpose()?,
            is_prepared: self.prepared_at.is_some(),
            undo_asked: self.undo_asked.then(|| UndoAsked { by: self.undo_asked_by.map(Arc::from) }),
            actor: self.actor.map(Arc::from),
            created_at: self.created_at,
            queued_at: self.queued_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
        })
    }
}

impl PgUnitOfWork {
    /// The operations with these ids, in no order, however many with one statement.
    #[expect(clippy::too_many_lines, reason = "one statement with a line for each column")]
    pub(super) async fn operations(&mut self, ids: &[Uuid]) -> Result<Vec<Operation>, RepositoryError> {
        // The limit keeps Postgres from reading all of a tenant's operations to find these: it knows no bound for an
        // array, and may take an index on the tenant for good enough.
        let rows = sqlx::query_as!(
            OperationRow,
            r#"select
                   o.id
                 , o.kind
                 , o.state
                 , o.format
                 , o.on_error
                 , o.send_welcome
                 , o.max_errors
                 , o.on_conflict
                 , o.match_by
                 , o.unknown_columns
                 , o.rows_total
                 , o.blocks_total
                 , o.pause_reason
                 , o.paused_at
                 , o.errors_accepted
                 , o.failure_code
                 , o.failure_detail
                 , o.parent_id
                 , case when o.parent_id is not null then coalesce(o.relation, 'undo') end as relation
                 , o.dry_run
                 , o.plan_digest
                 , o.prepared_at
                 , o.undo_asked
                 , o.undo_asked_by
                 , o.actor
                 , o.created_at
                 , o.queued_at
                 , o.started_at
                 , o.finished_at
                 , b.rows_done as "rows_done!"
                 , b.created as "created!"
                 , b.changed as "changed!"
                 , b.failed as "failed!"
                 , b.exported as "exported!"
                 , b.exported_whole as "exported_whole!"
                 , b.blocks_done as "blocks_done!"
                 , b.settled_at as "settled_at?"
                 , r.retries as "retries!"
                 , r.created as "retries_created!"
                 , r.changed as "retries_changed!"
                 , r.skipped as "retries_skipped!"
                 , m.total as "mails_total!"
                 , m.sent as "mails_sent!"
                 , m.refused as "mails_refused!"
                 , m.settled_at as "mails_settled_at?"
                 , f.attempt as "file_attempt?"
                 , f.format as "file_format?"
                 , f.bytes as "file_bytes?"
                 , f.row_count as "file_rows?"
                 , f.blake3 as "file_blake3?"
                 , f.created_at as "file_created_at?"
                 , f.expires_at as "file_expires_at?"
               from unnest($2::uuid[]) as wanted (id)
               cross join lateral (
                   select * from operations where tenant_id = $1 and id = wanted.id limit 1
               ) o
               cross join lateral (
                   select
                       coalesce(sum(row_count) filter (where settled_at is not null), 0)
                           + coalesce(sum(exported), 0) as rows_done
                     , coalesce(sum(created), 0) as created
                     , coalesce(sum(changed), 0) as changed
                     , coalesce(sum(failed), 0) as failed
                     , coalesce(sum(exported), 0) as exported
                     , coalesce(sum(exported) filter (where settled_at is not null), 0) as exported_whole
                     , count(settled_at) as blocks_done
                     , max(settled_at) as settled_at
                   from operation_blocks
                   where tenant_id = o.tenant_id and operation_id = o.id
               ) b
               cross join lateral (
                   select
                       count(distinct retry.id) as retries
                     , coalesce(sum(done.created), 0) as created
                     , coalesce(sum(done.changed), 0) as changed
                     , coalesce(sum(done.skipped), 0) as skipped
                   from operations retry
                   left join operation_blocks done
                     on done.tenant_id = retry.tenant_id and done.operation_id = retry.id and done.settled_at is not null
                   where retry.tenant_id = o.tenant_id and retry.parent_id = o.id and retry.relation = 'retry'
               ) r
               cross join lateral (
                   select
                       coalesce(sum(total), 0) as total
                     , coalesce(sum(sent), 0) as sent
                     , coalesce(sum(refused), 0) as refused
                     , case when bool_and(done_through >= last_row and deferred = '{}') then max(updated_at) end as settled_at
                   from mail_batches
                   where tenant_id = o.tenant_id and operation_id = o.id
               ) m
               left join operation_files f on f.tenant_id = $1 and f.operation_id = o.id"#,
            self.tenant,
            ids,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(|row| row.read(TenantId::new(self.tenant))).collect()
    }

    /// A page of operations, the latest first.
    pub(super) async fn latest(
        &mut self,
        state: Option<OperationState>,
        after: Option<OperationPosition>,
        limit: u32,
    ) -> Result<Vec<Operation>, RepositoryError> {
        let mut page = QueryBuilder::<Postgres>::new("select id from operations where tenant_id = ");
        page.push_bind(self.tenant);
        if let Some(state) = state {
            page.push(" and state = ").push_bind(state.name());
        }
        if let Some(OperationPosition { created_at, id }) = after {
            page.push(" and (created_at, id) < (").push_bind(created_at).push(", ").push_bind(id.get()).push(")");
        }
        page.push(" order by created_at desc, id desc limit ").push_bind(i64::from(limit));
        let ids = page.build_query_scalar().fetch_all(&mut *self.tx).await.map_err(repository_error)?;
        let mut operations = self.operations(&ids).await?;
        operations.sort_by_key(|operation| Reverse((operation.created_at, operation.id)));
        Ok(operations)
    }
}
