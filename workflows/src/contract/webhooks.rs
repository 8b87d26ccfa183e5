//! Webhooks.

#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;
use uuid::Uuid;

/// Input of the workflow `DeliverWebhook`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliverWebhookInput {
    /// Whose endpoint it is.
    pub tenant_id: Uuid,
    /// What is to be delivered.
    pub delivery_id: Uuid,
}

/// Input of the activity `deliver_webhook`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAttempt {
    /// Whose endpoint it is.
    pub tenant_id: Uuid,
    /// What is to be delivered.
    pub delivery_id: Uuid,
    /// The how-manieth attempt it is, from 1.
    pub attempt: u32,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookAttempted {
    /// Milliseconds to wait for the next attempt; none when there is none.
    #[serde(default)]
    pub wait_ms: Option<u64>,
}

/// Activities on webhooks.
pub struct WebhookActivities;

#[activity_definitions]
impl WebhookActivities {
    /// Sends a delivery once and records what came of it.
    #[activity(name = "deliver_webhook")]
    pub fn deliver_webhook(_: WebhookAttempt) -> Result<WebhookAttempted, ActivityError> {
        unimplemented!()
    }
}

/// What the activities crate implements.
pub mod definitions {
    pub use super::webhook_activities::*;
}
