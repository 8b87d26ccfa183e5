//! Entities, value objects and rules of Muster.
//!
//! Nothing here does I/O, reads a clock or knows a framework. Time and ids come in as parameters;
//! the repository traits say what storage must guarantee.

mod error;
mod ids;
mod instant;
pub mod mails;
mod networks;
pub mod operations;
pub mod partners;
pub mod schedules;
pub mod tasks;
pub mod users;
pub mod webhooks;

pub use error::{FieldError, RepositoryError};
pub use ids::{
    EventId, OperationId, PartnerClientId, PartnerEventId, ReminderBatchId, ReminderMailId, ScheduleId, TaskId,
    TenantId, UserId, WebhookDeliveryId, WebhookEndpointId, WebhookMessageId, WelcomeBatchId,
};
pub use instant::{instant, is_storable};
pub use networks::Networks;
