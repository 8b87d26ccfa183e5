//! Services that act for a tenant with signed requests.

mod client;
mod entity;
mod event;
mod repository;
mod secret;

pub use client::{ClientName, FormerPartnerSecret, MAX_PARTNERS, PartnerClient, PublicClientId};
pub use entity::SyncedEntity;
pub use event::{EventRefusal, MAX_EVENT_TEXT, NewPartnerEvent, PartnerEvent, PartnerEventPosition, PartnerEventState};
pub use repository::{
    DuePartner, DuePartnerReason, FoundPartner, PartnerReader, PartnerRepository, Received, SignatureUse,
};
pub use secret::{PartnerSecret, SealedSecret};
