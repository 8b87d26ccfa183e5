use std::cmp::Reverse;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_application::webhooks::body_of;
use muster_domain::webhooks::{
    DeliveryPosition, DeliveryState, DueWebhooks, DueWebhooksReason, Happening, WebhookDelivery, WebhookEndpoint,
    WebhookReader, WebhookRepository,
};
use muster_domain::{RepositoryError, WebhookDeliveryId, WebhookEndpointId, WebhookMessageId};
use uuid::Uuid;

use super::unit::defect;
use super::{MemoryStore, MemoryUnit, StoredDelivery, TenantState};

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn to_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl TenantState {
    /// Leaves a delivery for each endpoint that wants to know of it.
    pub(super) fn tell(&mut self, happening: &Happening) {
        let wants =
            |endpoint: &&WebhookEndpoint| endpoint.disabled.is_none() && endpoint.events.contains(&happening.event);
        let endpoints: Vec<_> = self.endpoints.values().filter(wants).map(|endpoint| endpoint.id).collect();
        if endpoints.is_empty() {
            return;
        }
        let message = WebhookMessageId::new(self.told_id());
        for endpoint in endpoints {
            let id = WebhookDeliveryId::new(self.told_id());
            let body = body_of(happening);
            let delivery = WebhookDelivery::new(id, message, endpoint, happening.event, body, happening.at);
            self.deliveries.insert(id, StoredDelivery { delivery, due_at: happening.at });
        }
    }

    fn told_id(&mut self) -> Uuid {
        self.told += 1;
        Uuid::from_u64_pair(0x0199_3333_0000_7000, 0x8000_0000_0000_0000 | self.told)
    }
}

#[async_trait]
impl WebhookRepository for MemoryUnit {
    async fn insert(&mut self, endpoint: &WebhookEndpoint, at_most: u32) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let fits = draft.endpoints.len() < size(at_most);
            if fits {
                draft.endpoints.insert(endpoint.id, endpoint.clone());
            }
            Ok(fits)
        })
    }

    async fn endpoints(&mut self) -> Result<Vec<WebhookEndpoint>, RepositoryError> {
        self.statement(|draft| {
            let mut all: Vec<_> = draft.endpoints.values().cloned().collect();
            all.sort_by_key(|endpoint| (endpoint.created_at, endpoint.id));
            Ok(all)
        })
    }

    async fn endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError> {
        self.statement(|draft| Ok(draft.endpoints.get(&id).cloned()))
    }

    async fn lock_endpoint(&mut self, id: WebhookEndpointId) -> Result<Option<WebhookEndpoint>, RepositoryError> {
        self.endpoint(id).await
    }

    async fn store_endpoint(&mut self, endpoint: &WebhookEndpoint) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.endpoints.get_mut(&endpoint.id);
            *stored.ok_or_else(|| defect("an endpoint that does not exist"))? = endpoint.clone();
            Ok(())
        })
    }

    async fn remove(&mut self, id: WebhookEndpointId) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            draft.deliveries.retain(|_, stored| stored.delivery.endpoint != id);
            Ok(draft.endpoints.remove(&id).is_some())
        })
    }

    async fn queue(&mut self, delivery: &WebhookDelivery) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = StoredDelivery { delivery: delivery.clone(), due_at: delivery.created_at };
            draft.deliveries.insert(delivery.id, stored);
            Ok(())
        })
    }

    async fn delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError> {
        self.statement(|draft| Ok(draft.deliveries.get(&id).map(|stored| stored.delivery.clone())))
    }

    async fn lock_delivery(&mut self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, RepositoryError> {
        self.delivery(id).await
    }

    async fn record(&mut self, delivery: &WebhookDelivery, due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.deliveries.get_mut(&delivery.id);
            let stored = stored.ok_or_else(|| defect("a delivery that does not exist"))?;
            *stored = StoredDelivery { delivery: delivery.clone(), due_at };
            Ok(())
        })
    }

    async fn deliveries(
        &mut self,
        endpoint: WebhookEndpointId,
        state: Option<DeliveryState>,
        after: Option<DeliveryPosition>,
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, RepositoryError> {
        self.statement(|draft| {
            let all = draft.deliveries.values().map(|stored| &stored.delivery);
            let mut found: Vec<_> = all
                .filter(|delivery| delivery.endpoint == endpoint)
                .filter(|delivery| state.is_none_or(|state| delivery.state == state))
                .filter(|delivery| {
                    after.is_none_or(|after| (delivery.created_at, delivery.id) < (after.created_at, after.id))
                })
                .cloned()
                .collect();
            found.sort_by_key(|delivery| Reverse((delivery.created_at, delivery.id)));
            found.truncate(size(limit));
            Ok(found)
        })
    }

    async fn take(
        &mut self,
        limit: u32,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Vec<WebhookDeliveryId>, RepositoryError> {
        self.statement(|draft| {
            let mut due: Vec<_> = draft.deliveries.values_mut().filter(|stored| stored.is_due(now)).collect();
            due.sort_by_key(|stored| stored.due_at);
            due.truncate(size(limit));
            let ids = due.iter().map(|stored| stored.delivery.id).collect();
            for stored in due {
                stored.due_at = due_at;
            }
            Ok(ids)
        })
    }

    async fn postpone(&mut self, ids: &[WebhookDeliveryId], due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for id in ids {
                let stored = draft.deliveries.get_mut(id).filter(|stored| stored.delivery.is_pending());
                if let Some(stored) = stored {
                    stored.due_at = stored.due_at.max(due_at);
                }
            }
            Ok(())
        })
    }

    async fn forget(&mut self, before: DateTime<Utc>, at_most: u32) -> Result<u32, RepositoryError> {
        self.statement(|draft| {
            let old = draft.deliveries.values().filter(|stored| stored.ended_before(before));
            let mut old: Vec<_> = old.map(|stored| (stored.delivery.ended_at, stored.delivery.id)).collect();
            old.sort_unstable();
            old.truncate(size(at_most));
            for (_, id) in &old {
                draft.deliveries.remove(id);
            }
            Ok(to_u32(old.len()))
        })
    }
}

impl StoredDelivery {
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.delivery.is_pending() && self.due_at <= now
    }

    fn ended_before(&self, before: DateTime<Utc>) -> bool {
        self.delivery.ended_at.is_some_and(|ended_at| ended_at < before)
    }
}

#[async_trait]
impl WebhookReader for MemoryStore {
    async fn due_webhooks(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DueWebhooks>, RepositoryError> {
        self.fault().call()?;
        let of = |reason, is_meant: &dyn Fn(&StoredDelivery) -> bool| -> Vec<_> {
            let tenants = self.tenants().into_iter();
            let meant = tenants.filter(|(_, state)| state.deliveries.values().any(is_meant));
            meant.map(|(tenant, _)| DueWebhooks { tenant, reason }).take(size(limit)).collect()
        };
        let mut due = of(DueWebhooksReason::Waiting, &|stored| stored.is_due(now));
        due.extend(of(DueWebhooksReason::Outdated, &|stored| stored.ended_before(ended_before)));
        Ok(due)
    }
}
