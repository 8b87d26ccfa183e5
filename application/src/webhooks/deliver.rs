use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use muster_domain::WebhookDeliveryId;
use muster_domain::webhooks::{DeliveryError, DeliveryState, DisableReason, WebhookDelivery, WebhookEndpoint};

use super::retry_after::retry_after;
use super::signature::signature;
use crate::ports::{WebhookAnswer, WebhookRequest};
use crate::{App, AppError, Context};

/// How long after an attempt is due the relay looks whether its workflow is still there.
pub(super) const LOOK_AFTER: TimeDelta = TimeDelta::minutes(10);
/// The status by which an endpoint says that it wants to be told nothing any more.
const GONE: u16 = 410;

/// Try to deliver something.
#[derive(Debug, Clone, Copy)]
pub struct DeliverWebhook {
    /// What.
    pub delivery: WebhookDeliveryId,
    /// The how-manieth attempt it is, from 1.
    pub attempt: u32,
    /// How long to wait for the next one; none when this is the last.
    pub pause: Option<Duration>,
    /// The longest wait that an endpoint may ask for.
    pub longest: Duration,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryStep {
    /// How long to wait for the next attempt; none when there is none.
    pub wait: Option<Duration>,
}

impl DeliveryStep {
    fn of(delivery: &WebhookDelivery, now: DateTime<Utc>) -> Self {
        let next = delivery.next_attempt_at.filter(|_| delivery.is_pending());
        Self { wait: next.map(|next| (next - now).to_std().unwrap_or_default()) }
    }
}

impl App {
    /// Sends a delivery once and records what came of it. An attempt that is recorded is not made again; one that was made
    /// and could not be recorded is, with the same message.
    ///
    /// # Errors
    /// `Unavailable` when storage is down. That the endpoint does not take it is an outcome and no error.
    pub async fn deliver_webhook(&self, ctx: &Context, command: DeliverWebhook) -> Result<DeliveryStep, AppError> {
        let mut uow = self.begin(ctx).await?;
        let Some(delivery) = uow.webhooks().delivery(command.delivery).await? else {
            // It went with its endpoint.
            return Ok(DeliveryStep { wait: None });
        };
        if is_done(&delivery, command) {
            return Ok(DeliveryStep::of(&delivery, self.ports.clock.now()));
        }
        let endpoint = uow.webhooks().endpoint(delivery.endpoint).await?;
        drop(uow);
        let error = match &endpoint {
            None => DeliveryError::EndpointRemoved,
            Some(endpoint) if endpoint.disabled.is_some() => DeliveryError::EndpointDisabled,
            Some(endpoint) => return self.attempt(ctx, command, endpoint, &delivery).await,
        };
        self.give_up_webhook(ctx, command.delivery, DeliveryState::Cancelled, error).await?;
        Ok(DeliveryStep { wait: None })
    }

    async fn attempt(
        &self,
        ctx: &Context,
        command: DeliverWebhook,
        endpoint: &WebhookEndpoint,
        delivery: &WebhookDelivery,
    ) -> Result<DeliveryStep, AppError> {
        let begun = self.ports.clock.now();
        let timestamp = begun.timestamp();
        let request = WebhookRequest {
            url: endpoint.url.clone(),
            message: delivery.message,
            timestamp,
            signature: signature(endpoint.secrets_at(begun), delivery.message, timestamp, &delivery.body)?,
            body: delivery.body.clone(),
        };
        let WebhookAnswer { answer, retry_after: asked } = self.ports.webhook_sender.send(&request).await;
        self.ports.tally.webhook_tried(answer);
        let now = self.ports.clock.now();
        let asked = asked.and_then(|text| retry_after(&text, now)).unwrap_or_default().min(delta(command.longest));

        let mut uow = self.begin(ctx).await?;
        if answer == Ok(GONE) {
            // The endpoint first, as whoever removes it does. Not if it was sent elsewhere meanwhile.
            let found = uow.webhooks().lock_endpoint(endpoint.id).await?;
            if let Some(mut gone) = found.filter(|found| found.url == endpoint.url && found.disabled.is_none()) {
                gone.disable(DisableReason::Gone, now);
                uow.webhooks().store_endpoint(&gone).await?;
            }
        }
        let Some(mut delivery) = uow.webhooks().lock_delivery(command.delivery).await? else {
            return Ok(DeliveryStep { wait: None });
        };
        if is_done(&delivery, command) {
            return Ok(DeliveryStep::of(&delivery, now));
        }
        // Never sooner than planned, and never sooner than asked.
        let pause = command.pause.map(|planned| delta(planned).max(asked));
        delivery.attempted(command.attempt, answer, pause, now);
        uow.webhooks().record(&delivery, delivery.next_attempt_at.unwrap_or(now) + LOOK_AFTER).await?;
        uow.commit().await?;
        Ok(DeliveryStep::of(&delivery, now))
    }

    /// Ends a delivery that is still pending, without another attempt.
    pub(super) async fn give_up_webhook(
        &self,
        ctx: &Context,
        id: WebhookDeliveryId,
        state: DeliveryState,
        error: DeliveryError,
    ) -> Result<(), AppError> {
        let now = self.ports.clock.now();
        let mut uow = self.begin(ctx).await?;
        let found = uow.webhooks().lock_delivery(id).await?;
        let Some(mut delivery) = found.filter(WebhookDelivery::is_pending) else { return Ok(()) };
        delivery.give_up(state, error, now);
        uow.webhooks().record(&delivery, now).await?;
        Ok(uow.commit().await?)
    }
}

fn delta(pause: Duration) -> TimeDelta {
    TimeDelta::from_std(pause).unwrap_or(TimeDelta::MAX)
}

/// Whether this attempt, or a later one, was recorded, or none is to be made any more.
fn is_done(delivery: &WebhookDelivery, command: DeliverWebhook) -> bool {
    !delivery.is_pending() || delivery.attempts >= command.attempt
}
