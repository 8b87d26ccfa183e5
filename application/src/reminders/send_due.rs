use std::collections::HashSet;

use chrono::TimeDelta;
use muster_domain::ReminderBatchId;
use muster_domain::tasks::ReminderMail;

use crate::mails::engine_down;
use crate::ports::{Heartbeat, StartReminders, Started};
use crate::{App, AppError, Context};

/// Most tenants that are looked up at once, and most batches that stand still in one call.
const LIMIT: u32 = 100;
/// Most tasks in one transaction: what a crash undoes, and what others wait for.
const SET: u32 = 1_000;
/// No further set is begun after so long. The next call goes on.
const LONGEST: TimeDelta = TimeDelta::minutes(1);

/// What a look after reminders did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DueReminders {
    /// Mails that were taken out of tasks.
    pub taken: usize,
    /// Batches whose workflow was asked for.
    pub started: u32,
    /// Batches that were given up, because their workflow had ended without sending all.
    pub given_up: u32,
    /// Tenants of whom nothing was taken, because their hours are quiet.
    pub resting: u32,
}

impl App {
    /// Takes the reminders that are due out of the tasks of all tenants and hands them over: one workflow for those of up to
    /// a thousand tasks. Safe to repeat and to run at the same time; what it does not come to, a later call does, and a batch
    /// whose start failed is started by a later one.
    ///
    /// Tenants take turns, a set of tasks each, so that one with a great many is not in the way of the others.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down; nothing is lost then.
    pub async fn send_due_reminders(&self, beat: &dyn Heartbeat) -> Result<DueReminders, AppError> {
        let (mut done, mut first_error) = (DueReminders::default(), None);
        let begun = self.ports.clock.now();
        let stalled = begun - self.settings.stalled_after;
        for batch in self.ports.reminders.stalled_reminders(stalled, LIMIT).await? {
            let ctx = Context::new(batch.tenant);
            // One that cannot be helped must not keep help from the others.
            if let Err(error) = self.ask_again_for_reminders(&ctx, batch.batch, &mut done).await {
                first_error.get_or_insert(error);
            }
        }
        let (mut after, mut moved, mut broken) = (None, false, HashSet::new());
        loop {
            let tenants = self.ports.reminders.due_reminders(self.ports.clock.now(), after, LIMIT).await?;
            let is_last = tenants.len() < usize::try_from(LIMIT).unwrap_or(usize::MAX);
            after = tenants.last().copied().filter(|_| !is_last);
            for tenant in tenants {
                if beat.is_cancelled() || self.ports.clock.now() - begun > LONGEST {
                    return first_error.map_or(Ok(done), Err);
                }
                if broken.contains(&tenant) {
                    continue;
                }
                let ctx = Context::new(tenant);
                match self.take_reminders_of(&ctx, &mut done).await {
                    Ok(None) => {}
                    Ok(Some(batch)) => {
                        moved = true;
                        // What cannot be started is better left where it is: there it becomes one mail for each person.
                        if let Err(error) = self.hand_over_reminders(&ctx, batch, &mut done).await {
                            return Err(first_error.unwrap_or(error));
                        }
                    }
                    Err(error) => {
                        broken.insert(tenant);
                        first_error.get_or_insert(error);
                    }
                }
            }
            // Those whose tasks somebody else holds stay due, and are left to a later call.
            if is_last && !std::mem::take(&mut moved) {
                return first_error.map_or(Ok(done), Err);
            }
        }
    }

    /// Takes one set of a tenant into a batch; none when there is nothing to take.
    async fn take_reminders_of(
        &self,
        ctx: &Context,
        done: &mut DueReminders,
    ) -> Result<Option<ReminderBatchId>, AppError> {
        let now = self.ports.clock.now();
        let mut uow = self.begin(ctx).await?;
        let settings = uow.tasks().settings().await?;
        if let Some(until) = settings.quiet_until(now) {
            uow.reminders().rest(&settings, until).await?;
            uow.commit().await?;
            done.resting += 1;
            return Ok(None);
        }
        let mut tasks = uow.reminders().lock_due(now, SET).await?;
        if tasks.is_empty() {
            return Ok(None);
        }
        let mut mails = Vec::new();
        for stored in &mut tasks {
            for reminder in stored.take_reminders(now) {
                mails.push(ReminderMail { id: self.ports.ids.reminder_mail_id(), task: stored.task.id, reminder });
            }
        }
        let batch = self.ports.ids.reminder_batch_id();
        uow.reminders().store_taken(&tasks).await?;
        uow.reminders().queue(batch, &mails, now).await?;
        uow.commit().await?;
        done.taken += mails.len();
        Ok(Some(batch))
    }

    async fn ask_again_for_reminders(
        &self,
        ctx: &Context,
        batch: ReminderBatchId,
        done: &mut DueReminders,
    ) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        // It does not stand still any more, whatever comes of it.
        uow.reminders().touch(batch, self.ports.clock.now()).await?;
        uow.commit().await?;
        self.hand_over_reminders(ctx, batch, done).await
    }

    async fn hand_over_reminders(
        &self,
        ctx: &Context,
        batch: ReminderBatchId,
        done: &mut DueReminders,
    ) -> Result<(), AppError> {
        let start = StartReminders { tenant: ctx.tenant, batch };
        match self.ports.workflows.start_reminders(&start).await.map_err(engine_down)? {
            Started::Running => done.started += 1,
            Started::Closed => {
                self.give_up_reminders(ctx, batch).await?;
                done.given_up += 1;
            }
        }
        Ok(())
    }
}
