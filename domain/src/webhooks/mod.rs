//! Webhooks: where a tenant wants to be told, what, and what came of it.

mod address;
mod changes;
mod delivery;
mod endpoint;
mod event;
mod repository;
mod secret;
mod url;

pub use address::is_public;
pub use changes::{Description, EndpointChanges, EndpointPatch, NewEndpoint, TextGiven, read_events};
pub use delivery::{Answer, DeliveryError, DeliveryState, WebhookDelivery};
pub use endpoint::{DisableReason, Disabled, FormerSecret, MAX_ENDPOINTS, WebhookEndpoint};
pub use event::{Happening, Subject, WebhookEvent};
pub use repository::{DeliveryPosition, DueWebhooks, DueWebhooksReason, WebhookReader, WebhookRepository};
pub use secret::WebhookSecret;
pub use url::{MAX_URL, WebhookUrl};
