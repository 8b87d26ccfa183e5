use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use muster_application::ports::IdSource;
use muster_domain::partners::{PartnerSecret, PublicClientId};
use muster_domain::webhooks::WebhookSecret;
use muster_domain::{
    EventId, OperationId, PartnerClientId, PartnerEventId, ReminderBatchId, ReminderMailId, ScheduleId, TaskId, UserId,
    WebhookDeliveryId, WebhookEndpointId, WebhookMessageId, WelcomeBatchId,
};
use uuid::Uuid;

/// Ids that count up, the same in every run. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct MemoryIds(Arc<AtomicU64>);

impl MemoryIds {
    fn next(&self) -> Uuid {
        let count = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        // Looks like a UUIDv7, and sorts by the count.
        Uuid::from_u64_pair(0x0199_0000_0000_7000, 0x8000_0000_0000_0000 | count)
    }

    fn chance<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [7; N];
        bytes.iter_mut().zip(self.next().into_bytes()).for_each(|(byte, of_id)| *byte = of_id);
        bytes
    }
}

impl IdSource for MemoryIds {
    fn operation_id(&self) -> OperationId {
        OperationId::new(self.next())
    }

    fn user_id(&self) -> UserId {
        UserId::new(self.next())
    }

    fn event_id(&self) -> EventId {
        EventId::new(self.next())
    }

    fn welcome_batch_id(&self) -> WelcomeBatchId {
        WelcomeBatchId::new(self.next())
    }

    fn webhook_endpoint_id(&self) -> WebhookEndpointId {
        WebhookEndpointId::new(self.next())
    }

    fn webhook_delivery_id(&self) -> WebhookDeliveryId {
        WebhookDeliveryId::new(self.next())
    }

    fn webhook_message_id(&self) -> WebhookMessageId {
        WebhookMessageId::new(self.next())
    }

    fn schedule_id(&self) -> ScheduleId {
        ScheduleId::new(self.next())
    }

    fn task_id(&self) -> TaskId {
        TaskId::new(self.next())
    }

    fn reminder_batch_id(&self) -> ReminderBatchId {
        ReminderBatchId::new(self.next())
    }

    fn reminder_mail_id(&self) -> ReminderMailId {
        ReminderMailId::new(self.next())
    }

    fn webhook_secret(&self) -> WebhookSecret {
        WebhookSecret::new(self.chance())
    }

    fn partner_client_id(&self) -> PartnerClientId {
        PartnerClientId::new(self.next())
    }

    fn partner_event_id(&self) -> PartnerEventId {
        PartnerEventId::new(self.next())
    }

    fn partner_public_id(&self) -> PublicClientId {
        PublicClientId::new(self.next().into_bytes())
    }

    fn partner_secret(&self) -> PartnerSecret {
        PartnerSecret::new(self.chance())
    }
}
