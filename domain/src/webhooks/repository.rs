use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{DeliveryState, WebhookDelivery, WebhookEndpoint};
use crate::{RepositoryError, TenantId, WebhookDeliveryId, WebhookEndpointId};

/// Where a delivery stands in the list of an endpoint's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryPosition {
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Its identity, which decides among those of the same moment.
    pub id: WebhookDeliveryId,
}

/// Endpoints and deliveries within one unit of work, and so within one tenant.
///
/// Deliveries of events are not made here, but by the writes that cause them: those of single users, and the end of an
/// operation or its pause by the error budget. Each leaves one for every endpoint that is enabled and subscribes to the
/// event, all with the same message, due at once.
#[async_trait]
pub trait WebhookRepository: Send {
    /// Stores a new endpoint, unless the tenant has `at_most` of them already: then `false`. Two who ask at once are
    /// counted one after the other.
    async fn insert(&mut self, endpoint: &WebhookEndpoint, at_most: u32) -> Result<bool, RepositoryError>;

    /// All endpoints of the tenant, the eldest first.
    async fn endpoints(&mut self) -> Result<Vec<WebhookEndpoint>, RepositoryError>;

    /// Reads an endpoint.
    async fn endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError>;

    /// As `endpoint`, and locks it until the unit of work ends.
    async fn lock_endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError>;

    /// Stores a locked endpoint.
    async fn store_endpoint(&mut self, endpoint: &WebhookEndpoint) -> Result<(), RepositoryError>;

    /// Removes an endpoint with its deliveries; `false` if there is none.
    async fn remove(&mut self, id: WebhookEndpointId) -> Result<bool, RepositoryError>;

    /// Stores a delivery that is due at once.
    async fn queue(&mut self, delivery: &WebhookDelivery) -> Result<(), RepositoryError>;

    /// Reads a delivery.
    async fn delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError>;

    /// As `delivery`, and locks it until the unit of work ends.
    async fn lock_delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError>;

    /// Stores what came of a locked delivery; while it is pending, it is due at `due_at`.
    async fn record(&mut self, delivery: &WebhookDelivery, due_at: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Deliveries to an endpoint, only those in `state` if one is given: the latest first, by `created_at` and then by id,
    /// those behind `after` if one is given, at most `limit`.
    async fn deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        state: Option<DeliveryState>,
        after: Option<DeliveryPosition>,
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, RepositoryError>;

    /// Takes deliveries that are due at `now`, at most `limit`, those first that are due for longest: they are due again
    /// at `due_at`. Passes over those that another unit of work is taking right now.
    async fn take(
        &mut self,
        limit: u32,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Vec<WebhookDeliveryId>, RepositoryError>;

    /// These are not due before `due_at`, as far as they are pending.
    async fn postpone(&mut self, ids: &[WebhookDeliveryId], due_at: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Removes deliveries that ended before `before`, at most `at_most`; returns how many.
    async fn forget(&mut self, before: DateTime<Utc>, at_most: u32) -> Result<u32, RepositoryError>;
}

/// Why somebody is to look at a tenant's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueWebhooksReason {
    /// Some are due.
    Waiting,
    /// Some have ended long ago.
    Outdated,
}

/// A tenant whose deliveries somebody has to look after: an id only, because this is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueWebhooks {
    /// Whose they are.
    pub tenant: TenantId,
    /// Why.
    pub reason: DueWebhooksReason,
}

/// Looks for deliveries outside a unit of work.
#[async_trait]
pub trait WebhookReader: Send + Sync {
    /// Tenants with deliveries that are due at `now`, and tenants with deliveries that ended before `ended_before`; at most
    /// `limit` of each, each once.
    async fn due_webhooks(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWebhooks>, RepositoryError>;
}
