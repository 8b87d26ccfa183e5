use chrono::{DateTime, Utc};
use muster_application::webhooks::secret_text;
use muster_domain::webhooks::{WebhookDelivery, WebhookEndpoint};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::{DeliveryErrorName, DeliveryEventName, DeliveryStateName, DisableReasonName, WebhookEventName};
use crate::v1::time;

/// Where a tenant is told of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(crate) struct EndpointView {
    /// Identity.
    id: Uuid,
    /// Where deliveries go.
    #[schema(format = "uri", example = "https://example.com/hooks/muster")]
    url: String,
    /// For people.
    #[schema(example = "Billing")]
    description: Option<String>,
    /// What it is told of.
    #[schema(value_type = Vec<WebhookEventName>)]
    events: Vec<&'static str>,
    /// Whether it is told anything.
    #[schema(example = true)]
    enabled: bool,
    /// Since when it is told nothing.
    #[serde(serialize_with = "time::maybe")]
    #[schema(example = json!(null))]
    disabled_at: Option<DateTime<Utc>>,
    /// Why: somebody has `asked` for it, or the endpoint has answered that it is `gone` (410).
    #[schema(value_type = Option<DisableReasonName>)]
    disabled_reason: Option<&'static str>,
    /// Until when deliveries are signed with the secret before the last rotation as well.
    #[serde(serialize_with = "time::maybe")]
    #[schema(example = json!(null))]
    former_secret_valid_until: Option<DateTime<Utc>>,
    /// When it was made.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(serialize_with = "time::instant")]
    updated_at: DateTime<Utc>,
}

impl EndpointView {
    /// As it is at `now`.
    pub(crate) fn new(endpoint: &WebhookEndpoint, now: DateTime<Utc>) -> Self {
        Self {
            id: endpoint.id.get(),
            url: endpoint.url.as_str().to_owned(),
            description: endpoint.description.clone(),
            events: endpoint.events.iter().map(|event| event.name()).collect(),
            enabled: endpoint.disabled.is_none(),
            disabled_at: endpoint.disabled.map(|disabled| disabled.at),
            disabled_reason: endpoint.disabled.map(|disabled| disabled.reason.name()),
            former_secret_valid_until: endpoint.former_at(now).map(|former| former.valid_until),
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

/// An endpoint with its fresh secret, which is given this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookEndpointWithSecret)]
pub(crate) struct SecretView {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What deliveries are signed with: `whsec_` and base64 of the key.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

impl SecretView {
    /// As it is at `now`.
    pub(crate) fn new(endpoint: &WebhookEndpoint, now: DateTime<Utc>) -> Self {
        Self { endpoint: EndpointView::new(endpoint, now), secret: secret_text(&endpoint.secret) }
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub(crate) struct DeliveryView {
    /// Identity.
    id: Uuid,
    /// The `webhook-id` that is sent: the same in every attempt and every replay.
    message_id: Uuid,
    /// Who is told.
    endpoint_id: Uuid,
    /// Of what.
    #[serde(rename = "type")]
    #[schema(value_type = DeliveryEventName)]
    event: &'static str,
    /// Where it is.
    #[schema(value_type = DeliveryStateName)]
    state: &'static str,
    /// How often it was sent.
    #[schema(example = 1)]
    attempts: u32,
    /// The status of the last answer.
    #[schema(example = 204)]
    last_status: Option<u16>,
    /// Why there was no answer, or no attempt.
    #[schema(value_type = Option<DeliveryErrorName>)]
    last_error: Option<&'static str>,
    /// When it happened; of a replay, when that was asked for.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When it was last sent.
    #[serde(serialize_with = "time::maybe")]
    last_attempt_at: Option<DateTime<Utc>>,
    /// When it is sent again.
    #[serde(serialize_with = "time::maybe")]
    #[schema(example = json!(null))]
    next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered, failed or cancelled.
    #[serde(serialize_with = "time::maybe")]
    ended_at: Option<DateTime<Utc>>,
}

impl From<WebhookDelivery> for DeliveryView {
    fn from(delivery: WebhookDelivery) -> Self {
        Self {
            id: delivery.id.get(),
            message_id: delivery.message.get(),
            endpoint_id: delivery.endpoint.get(),
            event: delivery.event.name(),
            state: delivery.state.name(),
            attempts: delivery.attempts,
            last_status: delivery.last_status,
            last_error: delivery.last_error.map(muster_domain::webhooks::DeliveryError::name),
            created_at: delivery.created_at,
            last_attempt_at: delivery.last_attempt_at,
            next_attempt_at: delivery.next_attempt_at,
            ended_at: delivery.ended_at,
        }
    }
}
