//! What partners have told, for the repository of partners.

use chrono::{DateTime, Utc};
use muster_domain::partners::{
    EventRefusal, NewPartnerEvent, PartnerEvent, PartnerEventPosition, PartnerEventState, Received,
};
use muster_domain::{OperationId, PartnerClientId, PartnerEventId, RepositoryError};
use uuid::Uuid;

use super::error::{damaged, one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

struct EventRow {
    id: Uuid,
    client_id: Uuid,
    event_id: String,
    event_type: String,
    data: Option<String>,
    state: String,
    operation_id: Option<Uuid>,
    reason: Option<String>,
    received_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl EventRow {
    fn read(self) -> Result<PartnerEvent, RepositoryError> {
        let reason = self.reason.as_deref().map(|name| EventRefusal::from_name(name).ok_or_else(|| damaged("reason")));
        Ok(PartnerEvent {
            id: PartnerEventId::new(self.id),
            client: PartnerClientId::new(self.client_id),
            event_id: self.event_id,
            event_type: self.event_type,
            data: self.data,
            state: PartnerEventState::from_name(&self.state).ok_or_else(|| damaged("state"))?,
            operation: self.operation_id.map(OperationId::new),
            reason: reason.transpose()?,
            received_at: self.received_at,
            ended_at: self.ended_at,
        })
    }
}

impl PgUnitOfWork {
    pub(super) async fn receive_event(
        &mut self,
        event: &NewPartnerEvent,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Received, RepositoryError> {
        let done = sqlx::query!(
            r#"insert into partner_events (
                   tenant_id, id, client_id, event_id, event_type, data, state, received_at, due_at
               )
               values ($1, $2, $3, $4, $5, $6::text::jsonb, $7, $8, $9)
               on conflict (tenant_id, client_id, event_id) do nothing"#,
            self.tenant,
            event.id.get(),
            event.client.get(),
            event.event_id,
            event.event_type,
            event.data,
            PartnerEventState::Received.name(),
            now,
            due_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(if done.rows_affected() == 1 { Received::Stored } else { Received::Known })
    }

    pub(super) async fn find_event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError> {
        let row = sqlx::query_as!(
            EventRow,
            r#"select
                   id
                 , client_id
                 , event_id
                 , event_type
                 , data::text as data
                 , state
                 , operation_id
                 , reason
                 , received_at
                 , ended_at
               from partner_events
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(EventRow::read).transpose()
    }

    pub(super) async fn store_event_end(&mut self, event: &PartnerEvent) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update partner_events
               set state = $3
                 , operation_id = $4
                 , reason = $5
                 , data = $6::text::jsonb
                 , ended_at = $7
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            event.id.get(),
            event.state.name(),
            event.operation.map(OperationId::get),
            event.reason.map(EventRefusal::name),
            event.data,
            event.ended_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn list_events(
        &mut self,
        after: Option<PartnerEventPosition>,
        limit: u32,
    ) -> Result<Vec<PartnerEvent>, RepositoryError> {
        let rows = sqlx::query_as!(
            EventRow,
            r#"select
                   id
                 , client_id
                 , event_id
                 , event_type
                 , data::text as data
                 , state
                 , operation_id
                 , reason
                 , received_at
                 , ended_at
               from partner_events
               where tenant_id = $1
                 and ($2::timestamptz is null or (received_at, id) < ($2, $3))
               order by received_at desc, id desc
               limit $4"#,
            self.tenant,
            after.map(|after| after.received_at),
            after.map(|after| after.id.get()),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(EventRow::read).collect()
    }

    pub(super) async fn forget_lines(
        &mut self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        let signatures = sqlx::query!(
            r#"delete from partner_signatures
               where tenant_id = $1 and expires_at < $2 and (client_id, signature) in (
                   select client_id, signature from partner_signatures
                   where tenant_id = $1 and expires_at < $2
                   limit $3
                   for update skip locked
               )"#,
            self.tenant,
            now,
            i64::from(limit),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let events = sqlx::query!(
            r#"delete from partner_events
               where tenant_id = $1 and ended_at < $2 and id in (
                   select id from partner_events
                   where tenant_id = $1 and ended_at < $2
                   limit $3
                   for update skip locked
               )"#,
            self.tenant,
            ended_before,
            i64::from(limit),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u32::try_from(signatures.rows_affected() + events.rows_affected()).unwrap_or(u32::MAX))
    }
}
