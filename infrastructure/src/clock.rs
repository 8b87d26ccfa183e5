use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use muster_application::ports::{Clock, IdSource};
use muster_domain::partners::{PartnerSecret, PublicClientId};
use muster_domain::webhooks::WebhookSecret;
use muster_domain::{
    EventId, OperationId, PartnerClientId, PartnerEventId, ReminderBatchId, ReminderMailId, ScheduleId, TaskId, UserId,
    WebhookDeliveryId, WebhookEndpointId, WebhookMessageId, WelcomeBatchId,
};
use uuid::Uuid;

/// The machine's clock, to the microsecond: as much as Postgres keeps.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time is read")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        now.duration_trunc(TimeDelta::microseconds(1)).unwrap_or(now)
    }
}

/// Ids of version 7.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

impl TimeOrderedIds {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where ids are made")]
    fn next() -> Uuid {
        Uuid::now_v7()
    }
}

impl IdSource for TimeOrderedIds {
    fn operation_id(&self) -> OperationId {
        OperationId::new(Self::next())
    }

    fn user_id(&self) -> UserId {
        UserId::new(Self::next())
    }

    fn event_id(&self) -> EventId {
        EventId::new(Self::next())
    }

    fn welcome_batch_id(&self) -> WelcomeBatchId {
        WelcomeBatchId::new(Self::next())
    }

    fn webhook_endpoint_id(&self) -> WebhookEndpointId {
        WebhookEndpointId::new(Self::next())
    }

    fn webhook_delivery_id(&self) -> WebhookDeliveryId {
        WebhookDeliveryId::new(Self::next())
    }

    fn webhook_message_id(&self) -> WebhookMessageId {
        WebhookMessageId::new(Self::next())
    }

    fn schedule_id(&self) -> ScheduleId {
        ScheduleId::new(Self::next())
    }

    fn task_id(&self) -> TaskId {
        TaskId::new(Self::next())
    }

    fn reminder_batch_id(&self) -> ReminderBatchId {
        ReminderBatchId::new(Self::next())
    }

    fn reminder_mail_id(&self) -> ReminderMailId {
        ReminderMailId::new(Self::next())
    }

    fn webhook_secret(&self) -> WebhookSecret {
        WebhookSecret::new(chance())
    }

    fn partner_client_id(&self) -> PartnerClientId {
        PartnerClientId::new(Self::next())
    }

    fn partner_event_id(&self) -> PartnerEventId {
        PartnerEventId::new(Self::next())
    }

    fn partner_public_id(&self) -> PublicClientId {
        PublicClientId::new(chance())
    }

    fn partner_secret(&self) -> PartnerSecret {
        PartnerSecret::new(chance())
    }
}

/// Bytes that nobody can guess.
#[expect(
    clippy::expect_used,
    reason = "without randomness there are no secrets, and no ids either: those panic as well"
)]
fn chance<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives no random bytes");
    bytes
}
