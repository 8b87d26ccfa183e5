use chrono::{DateTime, Utc};
use muster_domain::RepositoryError;
use muster_domain::operations::Operation;
use muster_domain::webhooks::Happening;

use super::convert::{to_i64, to_u64};
use super::error::{one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;
use super::watch::CHANNEL;
use super::webhook_deliveries::data;

impl PgUnitOfWork {
    pub(super) async fn store_end(&mut self, operation: &Operation) -> Result<(), RepositoryError> {
        let failure = operation.failure.as_ref();
        let at = operation.finished_at.unwrap_or(operation.created_at);
        let told = Happening::of_operation(operation, at);
        // The notice goes out when the transaction commits, and not at all when it does not.
        let done = sqlx::query!(
            r#"with ended as (
                   update operations
                   set state = $3
                     , failure_code = $4
                     , failure_detail = $5
                     , pause_reason = null
                     , paused_at = null
                     , started_at = $6
                     , finished_at = $7
                     , updated_at = $7
                     , plan_digest = $11
                     , undo_asked = $12
                     , undo_asked_by = $13
                   where tenant_id = $1 and id = $2
                   returning id
               )
               select count(pg_notify($8, id::text)) as "notified!", count(muster_tell($1, $9, $7, $10)) as "told!"
               from ended"#,
            self.tenant,
            operation.id.get(),
            operation.state.name(),
            failure.map(|failure| failure.code.as_str()),
            failure.map(|failure| failure.detail.as_str()),
            operation.started_at,
            operation.finished_at,
            CHANNEL,
            told.map(|told| told.event.name()),
            told.as_ref().map(data),
            operation.plan.as_ref().map(<[u8; 32]>::as_slice),
            operation.undo_asked.is_some(),
            operation.undo_asked.as_ref().and_then(|asked| asked.by.as_deref()),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(to_u64(done.notified)?)
    }

    pub(super) async fn store_move(
        &mut self,
        operation: &Operation,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        // Nothing is told of most moves, and no endpoint subscribes to that.
        let told = Happening::of_operation(operation, now);
        let done = sqlx::query!(
            r#"with stored as (
                   update operations
                   set state = $3
                     , pause_reason = $4
                     , paused_at = $5
                     , max_errors = $6
                     , errors_accepted = $7
                     , updated_at = $8
                   where tenant_id = $1 and id = $2
                   returning id
               )
               select count(pg_notify($9, id::text)) as "notified!", count(muster_tell($1, $10, $8, $11)) as "told!"
               from stored"#,
            self.tenant,
            operation.id.get(),
            operation.state.name(),
            operation.pause.map(|pause| pause.reason.name()),
            operation.pause.map(|pause| pause.since),
            operation.options.max_errors.map(|budget| budget.to_string()),
            to_i64(operation.errors_accepted)?,
            now,
            CHANNEL,
            told.map(|told| told.event.name()),
            told.as_ref().map(data),
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(to_u64(done.notified)?)
    }
}
