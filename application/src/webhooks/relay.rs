use chrono::TimeDelta;
use futures::StreamExt;
use muster_domain::TenantId;
use muster_domain::webhooks::{DeliveryError, DeliveryState, DueWebhooksReason};

use super::deliver::LOOK_AFTER;
use crate::ports::{GatewayError, StartWebhook, Started};
use crate::{App, AppError, Context};

/// Most tenants looked at in one round; the next one goes on.
const TENANTS: u32 = 100;
/// Most deliveries of a tenant in one round: tenants wait for each other no longer than this takes.
const BATCH: u32 = 100;
/// Starts at once.
const AT_ONCE: usize = 8;
/// Most old deliveries of a tenant that are removed in one round.
const FORGET: u32 = 1_000;

/// What a round of the relay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayedWebhooks {
    /// Deliveries whose workflow was asked for.
    pub started: u32,
    /// Deliveries that were given up, because their workflow had ended before the last attempt.
    pub given_up: u32,
    /// Deliveries that had ended long ago and were removed.
    pub forgotten: u32,
}

impl App {
    /// Hands deliveries that are due over to workflows, each to its own, and removes those that ended long ago. Safe to
    /// repeat and to run in any number of processes at once; a delivery whose start failed is started by a later round.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down; nothing is lost then.
    pub async fn relay_webhooks(&self) -> Result<RelayedWebhooks, AppError> {
        let now = self.ports.clock.now();
        let ended_before = now - self.settings.result_keep;
        let mut relayed = RelayedWebhooks::default();
        for due in self.ports.webhooks.due_webhooks(now, ended_before, TENANTS).await? {
            match due.reason {
                DueWebhooksReason::Waiting => self.hand_over(due.tenant, &mut relayed).await?,
                DueWebhooksReason::Outdated => {
                    let mut uow = self.begin(&Context::new(due.tenant)).await?;
                    relayed.forgotten += uow.webhooks().forget(ended_before, FORGET).await?;
                    uow.commit().await?;
                }
            }
        }
        Ok(relayed)
    }

    async fn hand_over(&self, tenant: TenantId, relayed: &mut RelayedWebhooks) -> Result<(), AppError> {
        let ctx = Context::new(tenant);
        let now = self.ports.clock.now();
        let mut uow = self.begin(&ctx).await?;
        // Should this process end before they are started, they are due again soon.
        let taken = uow.webhooks().take(BATCH, now, now + self.settings.stalled_after).await?;
        uow.commit().await?;
        let mut starts = futures::stream::iter(taken)
            .map(|delivery| async move {
                (delivery, self.ports.workflows.start_webhook(&StartWebhook { tenant, delivery }).await)
            })
            .buffer_unordered(AT_ONCE);
        let (mut running, mut closed, mut down) = (Vec::new(), Vec::new(), None);
        while let Some((delivery, started)) = starts.next().await {
            match started {
                Ok(Started::Running) => running.push(delivery),
                Ok(Started::Closed) => closed.push(delivery),
                Err(error) => {
                    // The others would wait for an answer just as long.
                    down = Some(error);
                    break;
                }
            }
        }
        drop(starts);
        if !running.is_empty() {
            self.postpone(&ctx, &running, LOOK_AFTER).await?;
        }
        for delivery in &closed {
            let error = DeliveryError::WorkflowEnded;
            self.give_up_webhook(&ctx, *delivery, DeliveryState::Failed, error).await?;
        }
        relayed.started += u32::try_from(running.len()).unwrap_or(u32::MAX);
        relayed.given_up += u32::try_from(closed.len()).unwrap_or(u32::MAX);
        down.map_or(Ok(()), |error| Err(engine_down(error)))
    }

    async fn postpone(
        &self,
        ctx: &Context,
        deliveries: &[muster_domain::WebhookDeliveryId],
        by: TimeDelta,
    ) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        uow.webhooks().postpone(deliveries, self.ports.clock.now() + by).await?;
        Ok(uow.commit().await?)
    }
}

fn engine_down(error: GatewayError) -> AppError {
    AppError::unavailable("the workflow engine is not available; try again later", error)
}
