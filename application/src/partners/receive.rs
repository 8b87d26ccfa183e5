use muster_domain::PartnerEventId;
use muster_domain::partners::{NewPartnerEvent, Received};
use serde_json::Value;

use super::AuthenticPartner;
use super::accept::accept;
use crate::ports::StartPartnerEvent;
use crate::{App, AppError, Context};

/// Something that a partner tells.
#[derive(Debug, Clone)]
pub struct ReceivePartnerEvent {
    /// Their id of it.
    pub event_id: String,
    /// What happened, in their words.
    pub event_type: String,
    /// What they say of it: without NUL, which storage cannot keep.
    pub data: Value,
}

impl App {
    /// Accepts the signature and keeps the event, at once: from here on it is durable. Then asks for the workflow that sees
    /// to it; should that fail, the sweeper asks again. An event that this partner has told before is not kept again.
    ///
    /// # Errors
    /// `Unauthenticated` when the signature was accepted before; `Unavailable` when storage is down: then nothing was
    /// accepted, or the event is kept and may be told again.
    pub async fn receive_partner_event(
        &self,
        partner: &AuthenticPartner,
        command: ReceivePartnerEvent,
    ) -> Result<(), AppError> {
        self.refuse_known_repeat(partner).await?;
        let (id, now) = (self.ports.ids.partner_event_id(), self.ports.clock.now());
        let ReceivePartnerEvent { event_id, event_type, data } = command;
        let event = NewPartnerEvent { id, client: partner.client.id, event_id, event_type, data: data.to_string() };
        let mut uow = self.begin(&partner.ctx).await?;
        accept(uow.partners(), partner).await?;
        let received = uow.partners().receive(&event, now, now + self.settings.stalled_after).await?;
        uow.commit().await?;
        self.note_accepted(partner).await;
        if received == Received::Stored {
            self.ask_for_partner_event(&partner.ctx, id).await;
        }
        Ok(())
    }

    async fn ask_for_partner_event(&self, ctx: &Context, event: PartnerEventId) {
        let start = StartPartnerEvent { tenant: ctx.tenant, event };
        if let Err(error) = self.ports.workflows.start_partner_event(&start).await {
            tracing::warn!(
                tenant.id = %ctx.tenant,
                partner_event.id = %event,
                error = &error as &dyn std::error::Error,
                "the workflow engine is not available; the sweeper will start this event"
            );
        }
    }
}
