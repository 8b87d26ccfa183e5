use chrono::{DateTime, Utc};
use muster_domain::webhooks::{
    DeliveryError, DeliveryPosition, DeliveryState, Happening, WebhookDelivery, WebhookEvent,
};
use muster_domain::{RepositoryError, WebhookDeliveryId, WebhookEndpointId, WebhookMessageId};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::convert::{to_i32, to_u32};
use super::error::{damaged, one_row, repository_error};
use super::unit_of_work::PgUnitOfWork;

/// The last argument of `muster_tell`.
pub(super) fn data(happening: &Happening) -> Value {
    let members = happening.data().into_iter().map(|(name, value)| (name.to_owned(), Value::String(value)));
    Value::Object(members.collect::<Map<_, _>>())
}

struct DeliveryRow {
    id: Uuid,
    message_id: Uuid,
    endpoint_id: Uuid,
    event_type: String,
    body: String,
    state: String,
    attempts: i32,
    last_status: Option<i32>,
    last_error: Option<String>,
    created_at: DateTime<Utc>,
    last_attempt_at: Option<DateTime<Utc>>,
    next_attempt_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl DeliveryRow {
    fn read(self) -> Result<WebhookDelivery, RepositoryError> {
        let error = |name: &String| DeliveryError::from_name(name).ok_or_else(|| damaged("error"));
        let status = |status: i32| u16::try_from(status).map_err(|_| damaged("status"));
        Ok(WebhookDelivery {
            id: WebhookDeliveryId::new(self.id),
            message: WebhookMessageId::new(self.message_id),
            endpoint: WebhookEndpointId::new(self.endpoint_id),
            event: WebhookEvent::from_stored(&self.event_type).ok_or_else(|| damaged("event"))?,
            body: self.body,
            state: DeliveryState::from_name(&self.state).ok_or_else(|| damaged("state"))?,
            attempts: to_u32(self.attempts)?,
            last_status: self.last_status.map(status).transpose()?,
            last_error: self.last_error.as_ref().map(error).transpose()?,
            created_at: self.created_at,
            last_attempt_at: self.last_attempt_at,
            next_attempt_at: self.next_attempt_at,
            ended_at: self.ended_at,
        })
    }
}

fn uuids(ids: &[WebhookDeliveryId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.get()).collect()
}

impl PgUnitOfWork {
    pub(super) async fn remove_endpoint(&mut self, id: WebhookEndpointId) -> Result<bool, RepositoryError> {
        let done = sqlx::query!(
            r#"with deliveries as (
                   delete from webhook_deliveries where tenant_id = $1 and endpoint_id = $2
               )
               delete from webhook_endpoints where tenant_id = $1 and id = $2"#,
            self.tenant,
            id.get(),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    pub(super) async fn queue_delivery(&mut self, delivery: &WebhookDelivery) -> Result<(), RepositoryError> {
        let body: Value =
            serde_json::from_str(&delivery.body).map_err(|error| RepositoryError::Internal(error.into()))?;
        let done = sqlx::query!(
            r#"insert into webhook_deliveries (
                   tenant_id, id, message_id, endpoint_id, event_type, body, state, created_at, next_attempt_at, due_at
               )
               values ($1, $2, $3, $4, $5, $6, 'pending', $7, $7, $7)"#,
            self.tenant,
            delivery.id.get(),
            delivery.message.get(),
            delivery.endpoint.get(),
            delivery.event.name(),
            body,
            delivery.created_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn locked_delivery(
        &mut self,
        id: WebhookDeliveryId,
    ) -> Result<Option<WebhookDelivery>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from webhook_deliveries where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Read after the lock is held, so that it is what was committed before it.
        self.find_delivery(id).await
    }

    pub(super) async fn find_delivery(
        &mut self,
        id: WebhookDeliveryId,
    ) -> Result<Option<WebhookDelivery>, RepositoryError> {
        let row = sqlx::query_as!(
            DeliveryRow,
            r#"select
                   id
                 , message_id
                 , endpoint_id
                 , event_type
                 , body::text as "body!"
                 , state
                 , attempts
                 , last_status
                 , last_error
                 , created_at
                 , last_attempt_at
                 , next_attempt_at
                 , ended_at
               from webhook_deliveries
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(DeliveryRow::read).transpose()
    }

    pub(super) async fn record_delivery(
        &mut self,
        delivery: &WebhookDelivery,
        due_at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        let done = sqlx::query!(
            r#"update webhook_deliveries
               set state = $3
                 , attempts = $4
                 , last_status = $5
                 , last_error = $6
                 , last_attempt_at = $7
                 , next_attempt_at = $8
                 , ended_at = $9
                 , due_at = $10
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            delivery.id.get(),
            delivery.state.name(),
            to_i32(delivery.attempts)?,
            delivery.last_status.map(i32::from),
            delivery.last_error.map(DeliveryError::name),
            delivery.last_attempt_at,
            delivery.next_attempt_at,
            delivery.ended_at,
            due_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    pub(super) async fn list_deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        state: Option<DeliveryState>,
        after: Option<DeliveryPosition>,
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, RepositoryError> {
        let rows = sqlx::query_as!(
            DeliveryRow,
            r#"select
                   id
                 , message_id
                 , endpoint_id
                 , event_type
                 , body::text as "body!"
                 , state
                 , attempts
                 , last_status
                 , last_error
                 , created_at
                 , last_attempt_at
                 , next_attempt_at
                 , ended_at
               from webhook_deliveries
               where tenant_id = $1 and endpoint_id = $2
                 and ($3::text is null or state = $3)
                 and ($4::timestamptz is null or (created_at, id) < ($4, $5::uuid))
               order by created_at desc, id desc
               limit $6"#,
            self.tenant,
            endpoint.get(),
            state.map(DeliveryState::name),
            after.map(|after| after.created_at),
            after.map(|after| after.id.get()),
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(DeliveryRow::read).collect()
    }

    pub(super) async fn take_deliveries(
        &mut self,
        limit: u32,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Vec<WebhookDeliveryId>, RepositoryError> {
        let ids = sqlx::query_scalar!(
            r#"with picked as materialized (
                   select id
                   from webhook_deliveries
                   where tenant_id = $1 and state = 'pending' and due_at <= $2
                   order by due_at
                   limit $4
                   for update skip locked
               )
               update webhook_deliveries d
               set due_at = $3
               from picked
               where d.tenant_id = $1 and d.id = picked.id
               returning d.id"#,
            self.tenant,
            now,
            due_at,
            i64::from(limit),
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(ids.into_iter().map(WebhookDeliveryId::new).collect())
    }

    pub(super) async fn postpone_deliveries(
        &mut self,
        ids: &[WebhookDeliveryId],
        due_at: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        sqlx::query!(
            r#"update webhook_deliveries
               set due_at = $3
               where tenant_id = $1 and id = any($2) and state = 'pending' and due_at < $3"#,
            self.tenant,
            &uuids(ids),
            due_at,
        )
        .execute(&mut *self.tx)
        .await
        .map(drop)
        .map_err(repository_error)
    }

    pub(super) async fn forget_deliveries(
        &mut self,
        before: DateTime<Utc>,
        at_most: u32,
    ) -> Result<u32, RepositoryError> {
        let done = sqlx::query!(
            r#"delete from webhook_deliveries d
               using (
                   select id
                   from webhook_deliveries
                   where tenant_id = $1 and ended_at < $2
                   order by ended_at
                   limit $3
               ) old
               where d.tenant_id = $1 and d.id = old.id"#,
            self.tenant,
            before,
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(u32::try_from(done.rows_affected()).unwrap_or(u32::MAX))
    }
}
