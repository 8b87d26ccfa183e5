//! Partners: services that act for a tenant with signed requests.

mod accept;
mod add;
mod authenticate;
mod events;
mod list;
mod process;
mod receive;
mod rotate;
mod set_active;
mod signature;
mod sweep;
mod sync;
mod sync_rows;
mod told;

pub use add::{AddPartner, PartnerWithSecret};
pub use authenticate::{AuthenticPartner, PartnerRequest, RecognisedPartner};
pub use events::PartnerEventsPage;
pub use process::ProcessPartnerEvent;
pub use receive::ReceivePartnerEvent;
pub use signature::{SignedParts, TOLERANCE, sign};
pub(crate) use sweep::SweptPartners;
pub use sync::SyncEntities;
