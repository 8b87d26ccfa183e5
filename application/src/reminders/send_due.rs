use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use futures::{StreamExt, future, stream};
use muster_domain::tasks::ReminderMail;
use muster_domain::{ReminderBatchId, TenantId};

use crate::mails::engine_down;
use crate::ports::{Heartbeat, StartReminders, Started};
use crate::{App, AppError, Context};

/// Most tenants that are looked up at once, and most batches that stand still in one call.
const LIMIT: u32 = 100;
/// Most tasks in one transaction: what a crash undoes, and what others wait for.
const SET: u32 = 1_000;
/// Tenants whose turns overlap: most of a turn is waiting for the database and the engine.
const AT_ONCE: usize = 8;
/// No further turn is begun after so long. The next call goes on.
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

/// What came of a tenant's turn.
struct Turn {
    tenant: TenantId,
    found: DueReminders,
    result: Result<(), Broken>,
}

/// What was in the way of it.
enum Broken {
    /// Nothing could be taken of this tenant.
    Tenant(AppError),
    /// Nobody can be told of what was taken.
    Engine(AppError),
}

impl DueReminders {
    const fn add(&mut self, other: Self) {
        self.taken += other.taken;
        self.started += other.started;
        self.given_up += other.given_up;
        self.resting += other.resting;
    }
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
            let waiting: Vec<_> = tenants.into_iter().filter(|tenant| !broken.contains(tenant)).collect();
            let stops = AtomicBool::new(false);
            let goes_on = |_: &TenantId| {
                let is_over = beat.is_cancelled() || self.ports.clock.now() - begun > LONGEST;
                stops.store(is_over, Ordering::Relaxed);
                future::ready(!is_over)
            };
            let turns = stream::iter(waiting).take_while(goes_on).map(|tenant| self.turn_of(tenant));
            let mut turns = turns.buffer_unordered(AT_ONCE);
            while let Some(Turn { tenant, found, result }) = turns.next().await {
                done.add(found);
                match result {
                    Ok(()) => moved |= found.started + found.given_up > 0,
                    // What cannot be started is better left where it is: there it becomes one mail for each person.
                    Err(Broken::Engine(error)) => return Err(first_error.unwrap_or(error)),
                    Err(Broken::Tenant(error)) => {
                        broken.insert(tenant);
                        first_error.get_or_insert(error);
                    }
                }
            }
            // Those whose tasks somebody else holds stay due, and are left to a later call.
            if stops.load(Ordering::Relaxed) || (is_last && !std::mem::take(&mut moved)) {
                return first_error.map_or(Ok(done), Err);
            }
        }
    }

    /// Takes a set of a tenant and hands it over.
    async fn turn_of(&self, tenant: TenantId) -> Turn {
        let (ctx, mut found) = (Context::new(tenant), DueReminders::default());
        let result = match self.take_reminders_of(&ctx, &mut found).await {
            Ok(None) => Ok(()),
            Ok(Some(batch)) => self.hand_over_reminders(&ctx, batch, &mut found).await.map_err(Broken::Engine),
            Err(error) => Err(Broken::Tenant(error)),
        };
        Turn { tenant, found, result }
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
