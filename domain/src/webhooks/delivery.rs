use chrono::{DateTime, TimeDelta, Utc};

use super::WebhookEvent;
use crate::{WebhookDeliveryId, WebhookEndpointId, WebhookMessageId};

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// Nobody took it in all attempts.
    Failed,
    /// Its endpoint is told nothing any more.
    Cancelled,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why an attempt had no answer, or a delivery no attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryError {
    /// The host's name leads to no address, or only to addresses that are not of the public internet.
    AddressRefused,
    /// The name is not known, or nobody answers there.
    NoConnection,
    /// No secure connection, most often for a certificate that is not trusted.
    NoTls,
    /// The answer took too long.
    TimedOut,
    /// What came back is no answer.
    BrokenAnswer,
    /// The endpoint is disabled.
    EndpointDisabled,
    /// The endpoint was removed.
    EndpointRemoved,
    /// The workflow was ended before the last attempt.
    WorkflowEnded,
}

impl DeliveryError {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::AddressRefused,
        Self::NoConnection,
        Self::NoTls,
        Self::TimedOut,
        Self::BrokenAnswer,
        Self::EndpointDisabled,
        Self::EndpointRemoved,
        Self::WorkflowEnded,
    ];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AddressRefused => "address_refused",
            Self::NoConnection => "no_connection",
            Self::NoTls => "no_tls",
            Self::TimedOut => "timed_out",
            Self::BrokenAnswer => "broken_answer",
            Self::EndpointDisabled => "endpoint_disabled",
            Self::EndpointRemoved => "endpoint_removed",
            Self::WorkflowEnded => "workflow_ended",
        }
    }

    /// The error of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.name() == name)
    }
}

/// What came of one attempt: a status, or why there is none.
pub type Answer = Result<u16, DeliveryError>;

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    /// Its identity.
    pub id: WebhookDeliveryId,
    /// What is told, by which a receiver knows a repeat: the same in all attempts, all endpoints and all replays.
    pub message: WebhookMessageId,
    /// Who is told.
    pub endpoint: WebhookEndpointId,
    /// Of what.
    pub event: WebhookEvent,
    /// What is sent, byte for byte.
    pub body: String,
    /// Where it is.
    pub state: DeliveryState,
    /// How often it was sent.
    pub attempts: u32,
    /// The status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// Why there was none.
    pub last_error: Option<DeliveryError>,
    /// When it happened; of a replay, when that was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was last sent.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// When it is sent again.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it was delivered, failed or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
}

impl WebhookDelivery {
    /// A delivery that is to be sent at once.
    pub const fn new(
        id: WebhookDeliveryId,
        message: WebhookMessageId,
        endpoint: WebhookEndpointId,
        event: WebhookEvent,
        body: String,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            message,
            endpoint,
            event,
            body,
            state: DeliveryState::Pending,
            attempts: 0,
            last_status: None,
            last_error: None,
            created_at: now,
            last_attempt_at: None,
            next_attempt_at: Some(now),
            ended_at: None,
        }
    }

    /// Whether it is still to be sent.
    pub fn is_pending(&self) -> bool {
        self.state == DeliveryState::Pending
    }

    /// Records attempt number `attempt`. If it was not taken, it is sent again after `pause`, unless there is none, or the
    /// endpoint says that it is gone.
    pub fn attempted(&mut self, attempt: u32, answer: Answer, pause: Option<TimeDelta>, now: DateTime<Utc>) {
        self.attempts = attempt;
        self.last_attempt_at = Some(now);
        self.last_status = answer.ok();
        self.last_error = answer.err();
        let again = pause.filter(|_| answer != Ok(GONE));
        match answer {
            Ok(200..=299) => self.end(DeliveryState::Delivered, now),
            _ if again.is_none() => self.end(DeliveryState::Failed, now),
            _ => self.next_attempt_at = again.map(|pause| now + pause),
        }
    }

    /// Ends it without another attempt.
    pub fn give_up(&mut self, state: DeliveryState, error: DeliveryError, now: DateTime<Utc>) {
        self.last_error = Some(error);
        self.end(state, now);
    }

    fn end(&mut self, state: DeliveryState, now: DateTime<Utc>) {
        self.state = state;
        self.next_attempt_at = None;
        self.ended_at = Some(now);
    }
}

/// The status by which an endpoint says that it wants to be told nothing any more.
const GONE: u16 = 410;

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_delivery_ends_when_it_is_taken_or_refused_for_good_or_tried_for_the_last_time() {
        let now = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let id = Uuid::from_u128(1);
        let delivery = |answer, pause| {
            let (id, message, endpoint) =
                (WebhookDeliveryId::new(id), WebhookMessageId::new(id), WebhookEndpointId::new(id));
            let mut delivery =
                WebhookDelivery::new(id, message, endpoint, WebhookEvent::UserCreated, "{}".to_owned(), now);
            delivery.attempted(3, answer, pause, now);
            (delivery.state.name(), delivery.next_attempt_at)
        };
        let pause = TimeDelta::minutes(5);
        let again = Some(now + pause);
        for (answer, with_pause, last) in [
            (Ok(200), ("delivered", None), "delivered"),
            (Ok(204), ("delivered", None), "delivered"),
            (Ok(301), ("pending", again), "failed"),
            (Ok(400), ("pending", again), "failed"),
            (Ok(410), ("failed", None), "failed"),
            (Ok(500), ("pending", again), "failed"),
            (Err(DeliveryError::TimedOut), ("pending", again), "failed"),
        ] {
            assert_eq!(delivery(answer, Some(pause)), with_pause, "{answer:?}");
            assert_eq!(delivery(answer, None), (last, None), "{answer:?}");
        }
    }

    #[test]
    fn every_error_is_read_by_its_name() {
        for error in DeliveryError::ALL {
            assert_eq!(DeliveryError::from_name(error.name()), Some(error));
        }
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::from_name(state.name()), Some(state));
        }
    }
}
