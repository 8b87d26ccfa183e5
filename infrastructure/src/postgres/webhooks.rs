use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::webhooks::{
    DeliveryPosition, DeliveryState, DisableReason, Disabled, DueWebhooks, DueWebhooksReason, FormerSecret,
    WebhookDelivery, WebhookEndpoint, WebhookEvent, WebhookReader, WebhookRepository, WebhookSecret, WebhookUrl,
};
use muster_domain::{RepositoryError, TenantId, WebhookDeliveryId, WebhookEndpointId};
use uuid::Uuid;

use super::error::{damaged, one_row, repository_error};
use super::readers::PgReaders;
use super::unit_of_work::PgUnitOfWork;

struct EndpointRow {
    id: Uuid,
    url: String,
    description: Option<String>,
    events: Vec<String>,
    secret: Vec<u8>,
    former_secret: Option<Vec<u8>>,
    former_valid_until: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn secret(bytes: Vec<u8>) -> Result<WebhookSecret, RepositoryError> {
    bytes.try_into().map(WebhookSecret::new).map_err(|_| damaged("webhook secret"))
}

impl EndpointRow {
    fn read(self) -> Result<WebhookEndpoint, RepositoryError> {
        let former = self.former_secret.zip(self.former_valid_until).map(|(bytes, valid_until)| {
            let secret = secret(bytes)?;
            Ok(FormerSecret { secret, valid_until })
        });
        let disabled = self.disabled_at.zip(self.disabled_reason).map(|(at, reason)| {
            let reason = DisableReason::from_name(&reason).ok_or_else(|| damaged("reason"))?;
            Ok(Disabled { at, reason })
        });
        let event = |name: &String| WebhookEvent::from_stored(name).ok_or_else(|| damaged("event"));
        Ok(WebhookEndpoint {
            id: WebhookEndpointId::new(self.id),
            url: WebhookUrl::from_stored(&self.url).map_err(|_| damaged("webhook URL"))?,
            description: self.description,
            events: self.events.iter().map(event).collect::<Result<_, _>>()?,
            secret: secret(self.secret)?,
            former: former.transpose()?,
            disabled: disabled.transpose()?,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

fn names(endpoint: &WebhookEndpoint) -> Vec<&'static str> {
    endpoint.events.iter().map(|event| event.name()).collect()
}

#[async_trait]
impl WebhookRepository for PgUnitOfWork {
    async fn insert(&mut self, endpoint: &WebhookEndpoint, at_most: u32) -> Result<bool, RepositoryError> {
        // Two who ask at once count one after the other. The number only keeps this lock apart from others.
        sqlx::query!(
            r#"select pg_advisory_xact_lock(hashtextextended($1::uuid::text, 14)) as "locked!: ()""#,
            self.tenant,
        )
        .fetch_one(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        let done = sqlx::query!(
            r#"insert into webhook_endpoints (tenant_id, id, url, description, events, secret, created_at, updated_at)
               select $1, $2, $3, $4, $5, $6, $7, $7
               where (select count(*) from webhook_endpoints where tenant_id = $1) < $8"#,
            self.tenant,
            endpoint.id.get(),
            endpoint.url.as_str(),
            endpoint.description.as_deref(),
            &names(endpoint) as &[&str],
            endpoint.secret.expose().as_slice(),
            endpoint.created_at,
            i64::from(at_most),
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        Ok(done.rows_affected() == 1)
    }

    async fn endpoints(&mut self) -> Result<Vec<WebhookEndpoint>, RepositoryError> {
        let rows = sqlx::query_as!(
            EndpointRow,
            r#"select
                   id
                 , url
                 , description
                 , events
                 , secret
                 , former_secret
                 , former_valid_until
                 , disabled_at
                 , disabled_reason
                 , created_at
                 , updated_at
               from webhook_endpoints
               where tenant_id = $1
               order by created_at, id"#,
            self.tenant,
        )
        .fetch_all(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        rows.into_iter().map(EndpointRow::read).collect()
    }

    async fn endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError> {
        let row = sqlx::query_as!(
            EndpointRow,
            r#"select
                   id
                 , url
                 , description
                 , events
                 , secret
                 , former_secret
                 , former_valid_until
                 , disabled_at
                 , disabled_reason
                 , created_at
                 , updated_at
               from webhook_endpoints
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        row.map(EndpointRow::read).transpose()
    }

    async fn lock_endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError> {
        sqlx::query_scalar!(
            r#"select id from webhook_endpoints where tenant_id = $1 and id = $2 for update"#,
            self.tenant,
            id.get(),
        )
        .fetch_optional(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        // Read after the lock is held, so that it is what was committed before it.
        self.endpoint(id).await
    }

    async fn store_endpoint(&mut self, endpoint: &WebhookEndpoint) -> Result<(), RepositoryError> {
        let former = endpoint.former.as_ref();
        let done = sqlx::query!(
            r#"update webhook_endpoints
               set url = $3
                 , description = $4
                 , events = $5
                 , secret = $6
                 , former_secret = $7
                 , former_valid_until = $8
                 , disabled_at = $9
                 , disabled_reason = $10
                 , updated_at = $11
               where tenant_id = $1 and id = $2"#,
            self.tenant,
            endpoint.id.get(),
            endpoint.url.as_str(),
            endpoint.description.as_deref(),
            &names(endpoint) as &[&str],
            endpoint.secret.expose().as_slice(),
            former.map(|former| former.secret.expose().as_slice()),
            former.map(|former| former.valid_until),
            endpoint.disabled.map(|disabled| disabled.at),
            endpoint.disabled.map(|disabled| disabled.reason.name()),
            endpoint.updated_at,
        )
        .execute(&mut *self.tx)
        .await
        .map_err(repository_error)?;
        one_row(done.rows_affected())
    }

    async fn remove(&mut self, id: WebhookEndpointId) -> Result<bool, RepositoryError> {
        self.remove_endpoint(id).await
    }

    async fn queue(&mut self, delivery: &WebhookDelivery) -> Result<(), RepositoryError> {
        self.queue_delivery(delivery).await
    }

    async fn delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError> {
        self.find_delivery(id).await
    }

    async fn lock_delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError> {
        self.locked_delivery(id).await
    }

    async fn record(&mut self, delivery: &WebhookDelivery, due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.record_delivery(delivery, due_at).await
    }

    async fn deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        state: Option<DeliveryState>,
        after: Option<DeliveryPosition>,
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, RepositoryError> {
        self.list_deliveries(endpoint, state, after, limit).await
    }

    async fn take(
        &mut self,
        limit: u32,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Vec<WebhookDeliveryId>, RepositoryError> {
        self.take_deliveries(limit, now, due_at).await
    }

    async fn postpone(&mut self, ids: &[WebhookDeliveryId], due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.postpone_deliveries(ids, due_at).await
    }

    async fn forget(&mut self, before: DateTime<Utc>, at_most: u32) -> Result<u32, RepositoryError> {
        self.forget_deliveries(before, at_most).await
    }
}

#[async_trait]
impl WebhookReader for PgReaders {
    /// Another wing of the sweeper's door (`migrations/0014_webhooks.sql`).
    async fn due_webhooks(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWebhooks>, RepositoryError> {
        let rows = sqlx::query!(
            r#"select tenant_id as "tenant_id!", reason as "reason!" from muster_due_webhooks($1, $2, $3)"#,
            now,
            ended_before,
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(self.pool())
        .await
        .map_err(repository_error)?;
        let due = rows.into_iter().map(|row| {
            let reason = match row.reason.as_str() {
                "waiting" => DueWebhooksReason::Waiting,
                "outdated" => DueWebhooksReason::Outdated,
                _ => return Err(damaged("reason")),
            };
            Ok(DueWebhooks { tenant: TenantId::new(row.tenant_id), reason })
        });
        due.collect()
    }
}
