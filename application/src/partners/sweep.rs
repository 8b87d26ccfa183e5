use muster_domain::PartnerEventId;
use muster_domain::operations::KeyOwner;
use muster_domain::partners::{DuePartner, DuePartnerReason, EventRefusal};

use super::process::{key_of, waits};
use crate::operations::engine_down;
use crate::ports::{StartPartnerEvent, Started};
use crate::{App, AppError, Context};

/// Most events in one sweep, and tenants of which something is forgotten; the next one goes on.
const LIMIT: u32 = 100;
/// Most old lines of a tenant that are removed in one sweep.
const FORGET: u32 = 5_000;

/// What a sweep did about partners.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SweptPartners {
    /// Events whose workflow was asked for, or whose end was found out.
    pub(crate) events: u32,
    /// Signatures and events that were removed.
    pub(crate) forgotten: u32,
}

impl App {
    /// Starts events that wait and that nobody has started, and removes what was kept for long enough.
    pub(crate) async fn sweep_partners(&self, swept: &mut SweptPartners) -> Result<(), AppError> {
        let now = self.ports.clock.now();
        let ended_before = now - self.settings.result_keep;
        let mut first_error = None;
        for DuePartner { tenant, reason } in self.ports.partners.due_partners(now, ended_before, LIMIT).await? {
            let ctx = Context::new(tenant);
            let done = match reason {
                DuePartnerReason::Event(event) => {
                    self.revive_partner_event(&ctx, event).await.map(|()| swept.events += 1)
                }
                DuePartnerReason::Outdated => self.forget_of_partners(&ctx).await.map(|some| swept.forgotten += some),
            };
            if let Err(error) = done {
                // One that cannot be helped must not keep help from the others.
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn revive_partner_event(&self, ctx: &Context, event: PartnerEventId) -> Result<(), AppError> {
        let start = StartPartnerEvent { tenant: ctx.tenant, event };
        let started = self.ports.workflows.start_partner_event(&start).await.map_err(engine_down)?;
        let mut uow = self.begin(ctx).await?;
        let now = self.ports.clock.now();
        match started {
            Started::Running => uow.partners().put_off_event(event, now + self.settings.stalled_after).await?,
            Started::Closed => {
                // Ended by an operator, or by running out of attempts: say so, unless the last of them had begun it.
                let key = uow.operations().find_key(&key_of(event)).await?;
                let Some(mut event) = uow.partners().lock_event(event).await?.filter(waits) else { return Ok(()) };
                match key.map(|key| key.owner) {
                    Some(KeyOwner::Operation(operation)) => event.process(operation, now),
                    _ => event.fail(EventRefusal::WorkflowEnded, now),
                }
                uow.partners().end_event(&event).await?;
            }
        }
        Ok(uow.commit().await?)
    }

    async fn forget_of_partners(&self, ctx: &Context) -> Result<u32, AppError> {
        let now = self.ports.clock.now();
        let mut uow = self.begin(ctx).await?;
        let forgotten = uow.partners().forget(now, now - self.settings.result_keep, FORGET).await?;
        uow.commit().await?;
        Ok(forgotten)
    }
}
