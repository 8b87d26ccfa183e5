//! Parsing at the edge: after these, no handler sees a raw header or parameter.

mod bearer;
mod client_address;
mod delivery_ids;
mod id;
mod idempotency;
mod if_match;
mod last_event_id;
mod once;
mod params;
mod prefer;
mod range;
mod signed;
mod tenant;

pub(crate) use bearer::bearer;
pub(crate) use client_address::ClientAddress;
pub(crate) use delivery_ids::DeliveryIds;
pub(crate) use id::Id;
pub(crate) use idempotency::IdempotencyKey;
pub(crate) use if_match::{IfMatch, PlanMatch, has_current};
pub(crate) use last_event_id::LastEventId;
pub(crate) use once::once;
pub(crate) use params::Params;
pub(crate) use prefer::Prefer;
pub(crate) use range::Ranged;
pub(crate) use signed::{Signed, SignedHeaders, refused};
pub(crate) use tenant::{Tenant, Uploader};
