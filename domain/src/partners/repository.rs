use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{NewPartnerEvent, PartnerClient, PartnerEvent, PartnerEventPosition, PublicClientId};
use crate::{PartnerClientId, PartnerEventId, RepositoryError, TenantId};

/// A good signature that is to be accepted, which happens once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureUse {
    /// Who signed.
    pub client: PartnerClientId,
    /// The signature.
    pub signature: [u8; 32],
    /// From when on its timestamp is too old anyway, so that it need not be remembered.
    pub expires_at: DateTime<Utc>,
}

/// What became of an event that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// It is new, and stored.
    Stored,
    /// It had come before.
    Known,
}

/// Partners within one unit of work, and so within one tenant.
#[async_trait]
pub trait PartnerRepository: Send {
    /// Stores a new client, unless the tenant has `at_most` of them already: then `false`. Two who ask at once are counted
    /// one after the other.
    async fn insert_client(&mut self, client: &PartnerClient, at_most: u32) -> Result<bool, RepositoryError>;

    /// All clients of the tenant, the eldest first.
    async fn clients(&mut self) -> Result<Vec<PartnerClient>, RepositoryError>;

    /// Reads a client.
    async fn client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError>;

    /// As `client`, and locks it until the unit of work ends.
    async fn lock_client(&mut self, id: PartnerClientId) -> Result<Option<PartnerClient>, RepositoryError>;

    /// Stores secrets and activity of a locked client.
    async fn store_client(&mut self, client: &PartnerClient) -> Result<(), RepositoryError>;

    /// Accepts a signature, with this unit of work; `false` if it was accepted before. Of two who do so at once the second
    /// waits for the first: if that is dropped, the second is accepted.
    async fn accept(&mut self, signature: &SignatureUse) -> Result<bool, RepositoryError>;

    /// Stores an event, unless this client has told one of the same id: then nothing is changed. It is due at `due_at`.
    async fn receive(
        &mut self,
        event: &NewPartnerEvent,
        now: DateTime<Utc>,
        due_at: DateTime<Utc>,
    ) -> Result<Received, RepositoryError>;

    /// Reads an event.
    async fn event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError>;

    /// As `event`, and locks it until the unit of work ends.
    async fn lock_event(&mut self, id: PartnerEventId) -> Result<Option<PartnerEvent>, RepositoryError>;

    /// Stores what became of a locked event.
    async fn end_event(&mut self, event: &PartnerEvent) -> Result<(), RepositoryError>;

    /// Puts off when an event that waits is to be looked at.
    async fn put_off_event(&mut self, id: PartnerEventId, due_at: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// Events of the tenant, the latest first, those behind `after` if one is given, at most `limit`.
    async fn events(
        &mut self,
        after: Option<PartnerEventPosition>,
        limit: u32,
    ) -> Result<Vec<PartnerEvent>, RepositoryError>;

    /// Removes signatures that had expired at `now` and events that ended before `ended_before`, at most `limit` of each;
    /// gives how many.
    async fn forget(
        &mut self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<u32, RepositoryError>;
}

/// Who has a public id: ids only, because this is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundPartner {
    /// Whose client it is.
    pub tenant: TenantId,
    /// Which one.
    pub client: PartnerClientId,
}

/// Why something of a tenant's partners is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuePartnerReason {
    /// An event waits, and may have been left behind.
    Event(PartnerEventId),
    /// Signatures or events were kept for long enough.
    Outdated,
}

/// What is to be looked at: ids only, because this is read across tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuePartner {
    /// Whose it is.
    pub tenant: TenantId,
    /// Why.
    pub reason: DuePartnerReason,
}

/// Looks for partners outside a unit of work.
#[async_trait]
pub trait PartnerReader: Send + Sync {
    /// The client of this public id, of any tenant.
    async fn find_partner(&self, id: &PublicClientId) -> Result<Option<FoundPartner>, RepositoryError>;

    /// Events that were due before `now`, those first that wait for longest; then tenants with signatures that had expired
    /// at `now`, or events that ended before `ended_before`. At most `limit` of each.
    async fn due_partners(
        &self,
        now: DateTime<Utc>,
        ended_before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<DuePartner>, RepositoryError>;
}
