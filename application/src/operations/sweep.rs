use muster_domain::OperationId;
use muster_domain::operations::{DueOperation, DueReason, OperationFailure, OperationState};

use crate::mails::SendMails;
use crate::partners::SweptPartners;
use crate::ports::{GatewayError, StartOperation, Started};
use crate::{App, AppError, Context};

/// Most operations looked at in one sweep; the next one goes on.
const LIMIT: u32 = 100;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Operations whose workflow was asked for.
    pub started: u32,
    /// Operations that were failed because their workflow had ended without an outcome.
    pub failed: u32,
    /// Uploads that were removed.
    pub discarded: u32,
    /// Idempotency keys that were forgotten.
    pub forgotten: u64,
    /// Operations that ended long ago and whose rows as uploaded were removed.
    pub uploads: u32,
    /// Operations that ended longer ago and were removed.
    pub results: u32,
    /// Files that expired, or were never made whole, and were removed.
    pub files: u32,
    /// Schedules that the engine was told of.
    pub schedules: u32,
    /// Events of partners that were seen to.
    pub partner_events: u32,
    /// Signatures and events of partners that were removed.
    pub partner_lines: u32,
}

impl App {
    /// Looks after everything that could have been left behind by a crash or an outage: starts what is queued,
    /// removes uploads that stopped coming, forgets expired keys, and removes what ended long ago. Safe to repeat and to run twice at once.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down; what could be done is done all the same.
    pub async fn sweep(&self) -> Result<Swept, AppError> {
        let now = self.ports.clock.now();
        let (stalled, abandoned) = (now - self.settings.stalled_after, now - self.settings.abandoned_after);
        let mut swept = Swept::default();
        let mut first_error = None;
        for due in self.ports.operations.due(stalled, abandoned, now, LIMIT).await? {
            // One that cannot be helped must not keep help from the others.
            if let Err(error) = self.sweep_one(due, &mut swept).await {
                first_error.get_or_insert(error);
            }
        }
        // After the keys, which keep operations from being removed.
        if let Err(error) = self.remove_outdated(&mut swept).await {
            first_error.get_or_insert(error);
        }
        match self.sync_schedules().await {
            Ok(synced) => swept.schedules = synced,
            Err(error) => drop(first_error.get_or_insert(error)),
        }
        let mut of_partners = SweptPartners::default();
        if let Err(error) = self.sweep_partners(&mut of_partners).await {
            first_error.get_or_insert(error);
        }
        (swept.partner_events, swept.partner_lines) = (of_partners.events, of_partners.forgotten);
        if swept != Swept::default() {
            tracing::info!(
                started = swept.started,
                failed = swept.failed,
                discarded = swept.discarded,
                forgotten = swept.forgotten,
                uploads = swept.uploads,
                results = swept.results,
                files = swept.files,
                schedules = swept.schedules,
                partner_events = swept.partner_events,
                partner_lines = swept.partner_lines,
                "swept what was left behind"
            );
        }
        self.ports.tally.swept(&swept, first_error.is_none());
        first_error.map_or(Ok(swept), Err)
    }

    async fn sweep_one(&self, due: DueOperation, swept: &mut Swept) -> Result<(), AppError> {
        let ctx = Context::new(due.tenant);
        match due.reason {
            DueReason::Start => self.revive(&ctx, due, swept).await?,
            DueReason::Mails => self.revive_mails(&ctx, due, swept).await?,
            DueReason::Abandoned => swept.discarded += u32::from(self.discard_upload(&ctx, due.operation).await?),
            DueReason::ExpiredKeys => {
                let mut uow = self.begin(&ctx).await?;
                swept.forgotten += uow.operations().purge_keys(self.ports.clock.now()).await?;
                uow.commit().await?;
            }
            // Not asked for here: these have limits of their own.
            DueReason::OldUpload | DueReason::OldResults | DueReason::OldFile => {}
        }
        Ok(())
    }

    /// The mail batches are their own outbox: whoever lost the workflow that sends them, it is asked for again.
    async fn revive_mails(&self, ctx: &Context, due: DueOperation, swept: &mut Swept) -> Result<(), AppError> {
        let operation = due.operation;
        let start = StartOperation::of(&self.operation(ctx, operation).await?);
        match self.ports.workflows.start_mails(&start).await.map_err(engine_down)? {
            Started::Running => {
                self.touch(ctx, operation).await?;
                swept.started += 1;
            }
            Started::Closed => {
                let last_block = start.blocks.saturating_sub(1);
                self.give_up_mails(ctx, SendMails { operation, first_block: 0, last_block }).await?;
                swept.failed += 1;
            }
        }
        Ok(())
    }

    async fn touch(&self, ctx: &Context, operation: OperationId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        uow.operations().touch(operation, self.ports.clock.now()).await?;
        Ok(uow.commit().await?)
    }

    async fn revive(&self, ctx: &Context, due: DueOperation, swept: &mut Swept) -> Result<(), AppError> {
        let operation = self.operation(ctx, due.operation).await?;
        let start = StartOperation::of(&operation);
        let workflows = &self.ports.workflows;
        let asked = if operation.state == OperationState::Queued {
            // Its workflow may wait to hear that the operation was resumed.
            workflows.wake_operation(&start).await
        } else {
            workflows.start_operation(&start).await
        };
        match asked.map_err(engine_down)? {
            Started::Running => {
                self.touch(ctx, due.operation).await?;
                swept.started += 1;
            }
            Started::Closed => {
                // Ended by an operator, or by running out of attempts: say so instead of waiting for ever.
                let failure = OperationFailure {
                    code: "WORKFLOW_ENDED".to_owned(),
                    detail: "the workflow was ended before it had done every row".to_owned(),
                };
                let mut uow = self.begin(ctx).await?;
                let failed = self.fail_operation(uow.as_mut(), due.operation, failure).await?;
                uow.commit().await?;
                if failed {
                    self.ports.tally.ended(operation.kind, OperationState::Failed);
                    swept.failed += 1;
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn engine_down(error: GatewayError) -> AppError {
    AppError::unavailable("the workflow engine is not available; try again later", error)
}
