use std::cmp::Reverse;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::partners::{
    DuePartner, DuePartnerReason, FoundPartner, NewPartnerEvent, PartnerClient, PartnerEvent, PartnerEventPosition,
    PartnerEventState, PartnerReader, PartnerRepository, PublicClientId, Received, SignatureUse,
};
use muster_domain::{PartnerClientId, PartnerEventId, RepositoryError};

use super::unit::defect;
use super::{MemoryStore, MemoryUnit};

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[async_trait]
impl PartnerRepository for MemoryUnit {
    async fn insert_client(&mut self, client: &PartnerClient, at_most: u32) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let fits = draft.partners.len() < size(at_most);
            if fits {
                draft.partners.insert(client.id, client.clone());
            }
            Ok(fits)
        })
    }

    async fn clients(&mut self) -> Result<Vec<PartnerClient>, RepositoryError> {
        self.statement(|draft| {
            let mut found: Vec<_> = draft.partners.values().cloned().collect();
            found.sort_by_key(|client| (client.created_at, client.id));
            Ok(found)
        })
    }

    async fn client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError> {
        self.statement(|draft| Ok(draft.partners.get(&id).cloned()))
    }

    async fn lock_client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError> {
        self.client(id).await
    }

    async fn store_client(&mut self, client: &PartnerClient) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.partners.get_mut(&client.id);
            *stored.ok_or_else(|| defect("a partner that does not exist"))? = client.clone();
            Ok(())
        })
    }

    async fn accept(&mut self, signature: &SignatureUse) -> Result<bool, RepositoryError> {
        self.statement(|draft| {
            let key = (signature.client, signature.signature);
            let is_new = !draft.signatures.contains_key(&key);
            if is_new {
                draft.signatures.insert(key, signature.expires_at);
            }
            Ok(is_new)
        })
    }

    async fn receive(
        &mut self,
        event: &NewPartnerEvent,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Received, RepositoryError> {
        self.statement(|draft| {
            let is_known = |known: &PartnerEvent| (known.client, &known.event_id) == (event.client, &event.event_id);
            if draft.partner_events.values().any(|(known, _)| is_known(known)) {
                return Ok(Received::Known);
            }
            draft.partner_events.insert(event.id, (PartnerEvent::new(event.clone(), now), due_at));
            Ok(Received::Stored)
        })
    }

    async fn event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError> {
        self.statement(|draft| Ok(draft.partner_events.get(&id).map(|(event, _)| event.clone())))
    }

    async fn lock_event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError> {
        self.event(id).await
    }

    async fn end_event(&mut self, event: &PartnerEvent) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.partner_events.get_mut(&event.id);
            stored.ok_or_else(|| defect("an event that does not exist"))?.0 = event.clone();
            Ok(())
        })
    }

    async fn put_off_event(&mut self, id: PartnerEventId, due_at: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let stored = draft.partner_events.get_mut(&id);
            if let Some((_, due)) = stored.filter(|(event, _)| event.state == PartnerEventState::Received) {
                *due = due_at;
            }
            Ok(())
        })
    }

    async fn events(
        &mut self,
        after: Option<PartnerEventPosition>,
        limit: u32,
    ) -> Result<Vec<PartnerEvent>, RepositoryError> {
        self.statement(|draft| {
            let is_behind = |event: &&PartnerEvent| {
                after.is_none_or(|after| (event.received_at, event.id) < (after.received_at, after.id))
            };
            let mut found: Vec<_> =
                draft.partner_events.values().map(|(event, _)| event).filter(is_behind).cloned().collect();
            found.sort_by_key(|event| Reverse((event.received_at, event.id)));
            found.truncate(size(limit));
            Ok(found)
        })
    }

    async fn forget(
        &mut self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, RepositoryError> {
        self.statement(|draft| {
            let signatures = draft.signatures.iter().filter(|(_, expires_at)| **expires_at < now);
            let signatures: Vec<_> = signatures.map(|(key, _)| *key).take(size(limit)).collect();
            draft.signatures.retain(|key, _| !signatures.contains(key));
            let is_old = |event: &PartnerEvent| event.ended_at.is_some_and(|ended_at| ended_at < ended_before);
            let events = draft.partner_events.iter().filter(|(_, (event, _))| is_old(event));
            let events: Vec<_> = events.map(|(id, _)| *id).take(size(limit)).collect();
            draft.partner_events.retain(|id, _| !events.contains(id));
            Ok(u32::try_from(signatures.len() + events.len()).unwrap_or(u32::MAX))
        })
    }
}

#[async_trait]
impl PartnerReader for MemoryStore {
    async fn find_partner(&self, id: &PublicClientId) -> Result<Option<FoundPartner>, RepositoryError> {
        self.fault().call()?;
        Ok(self.tenants().into_iter().find_map(|(tenant, state)| {
            let client = state.partners.values().find(|client| client.public_id == *id)?.id;
            Some(FoundPartner { tenant, client })
        }))
    }

    async fn due_partners(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DuePartner>, RepositoryError> {
        self.fault().call()?;
        let (mut waiting, mut outdated) = (Vec::new(), Vec::new());
        for (tenant, state) in self.tenants() {
            let events = || state.partner_events.values();
            let waits =
                |(event, due_at): &&(PartnerEvent, _)| event.state == PartnerEventState::Received && *due_at < now;
            waiting.extend(
                events()
                    .filter(waits)
                    .map(|(event, due_at)| (*due_at, DuePartner { tenant, reason: DuePartnerReason::Event(event.id) })),
            );
            let is_old = |event: &PartnerEvent| event.ended_at.is_some_and(|ended_at| ended_at < ended_before);
            if state.signatures.values().any(|expires_at| *expires_at < now) || events().any(|(event, _)| is_old(event))
            {
                outdated.push(DuePartner { tenant, reason: DuePartnerReason::Outdated });
            }
        }
        waiting.sort_by_key(|(due_at, _)| *due_at);
        waiting.truncate(size(limit));
        outdated.truncate(size(limit));
        Ok(waiting.into_iter().map(|(_, due)| due).chain(outdated).collect())
    }
}
