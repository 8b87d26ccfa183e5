//! Webhooks: endpoints, and telling them what happened.

mod body;
mod create;
mod delete;
mod deliver;
mod deliveries;
mod get;
mod list;
mod relay;
mod replay;
mod retry_after;
mod rotate_secret;
mod signature;
mod test;
mod update;

pub use body::body_of;
pub use deliver::{DeliverWebhook, DeliveryStep};
pub use deliveries::DeliveriesPage;
pub use relay::RelayedWebhooks;
pub use signature::{secret_text, signature};
pub use update::UpdateEndpoint;
