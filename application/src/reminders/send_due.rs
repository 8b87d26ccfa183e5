use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use muster_domain::tasks::ReminderMail;
use muster_domain::{ReminderBatchId, TenantId};

use crate::mails::engine_down;
use crate::ports::{Heartbeat, Started};
use crate::{App, AppError, Context};

/// Most tenants that are looked up at once, and so in one batch, and most batches that stand still in one call.
const LIMIT: u32 = 100;
/// Most tasks in one transaction: what a crash undoes, and what others wait for.
const SET: u32 = 1_000;
/// A batch of so many mails takes no further tenants.
const FULL: usize = 1_000;
/// Tenants whose turns overlap: a transaction waits for the disk most of the time.
const ABREAST: usize = 4;
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

/// What came of the turn of a tenant.
enum Turn {
    /// Its hours are quiet.
    Resting,
    /// So many mails were taken.
    Taken(usize),
}

/// A look that goes on.
struct Look<'a> {
    beat: &'a dyn Heartbeat,
    begun: DateTime<Utc>,
    done: DueReminders,
    /// One that cannot be helped must not keep help from the others.
    first_error: Option<AppError>,
    /// Tenants of whom nothing is taken any more, because that failed.
    broken: HashSet<TenantId>,
}

impl Look<'_> {
    fn failed(&mut self, error: AppError) {
        self.first_error.get_or_insert(error);
    }

    fn end(self) -> Result<DueReminders, AppError> {
        self.first_error.map_or(Ok(self.done), Err)
    }
}

impl App {
    /// Takes the reminders that are due out of the tasks of all tenants and hands them over: one workflow for about a
    /// thousand mails, or a hundred tenants. Safe to repeat and to run at the same time; what it does not come to, a later
    /// call does, and a batch whose start failed is started by a later one.
    ///
    /// Tenants take turns, a set of tasks each, so that one with a great many is not in the way of the others.
    ///
    /// # Errors
    /// `Unavailable` when storage or the engine is down; nothing is lost then.
    pub async fn send_due_reminders(&self, beat: &dyn Heartbeat) -> Result<DueReminders, AppError> {
        let begun = self.ports.clock.now();
        let mut look = Look { beat, begun, done: DueReminders::default(), first_error: None, broken: HashSet::new() };
        for batch in self.ports.reminders.stalled_reminders(begun - self.settings.stalled_after, LIMIT).await? {
            if let Err(error) = self.ask_again_for_reminders(batch, &mut look.done).await {
                look.failed(error);
            }
        }
        let (mut after, mut moved) = (None, false);
        loop {
            let tenants = self.ports.reminders.due_reminders(self.ports.clock.now(), after, LIMIT).await?;
            let is_last = tenants.len() < usize::try_from(LIMIT).unwrap_or(usize::MAX);
            after = tenants.last().copied().filter(|_| !is_last);
            let before = look.done.taken;
            if !self.take_turns(&tenants, &mut look).await? {
                return look.end();
            }
            moved |= look.done.taken > before;
            // Those whose tasks somebody else holds stay due, and are left to a later call.
            if is_last && !std::mem::take(&mut moved) {
                return look.end();
            }
        }
    }

    /// A turn for each of these; what they have is handed over together. Says whether the look may go on.
    async fn take_turns(&self, tenants: &[TenantId], look: &mut Look<'_>) -> Result<bool, AppError> {
        let (mut batch, mut mails) = (self.ports.ids.reminder_batch_id(), 0);
        let mut goes_on = true;
        for tenants in tenants.chunks(ABREAST) {
            goes_on = !look.beat.is_cancelled() && self.ports.clock.now() - look.begun <= LONGEST;
            if !goes_on {
                break;
            }
            let turns = tenants.iter().filter(|tenant| !look.broken.contains(*tenant));
            let turns =
                turns.map(async |tenant| (*tenant, self.take_reminders_of(&Context::new(*tenant), batch).await));
            for (tenant, turn) in join_all(turns).await {
                match turn {
                    Ok(Turn::Resting) => look.done.resting += 1,
                    Ok(Turn::Taken(taken)) => {
                        mails += taken;
                        look.done.taken += taken;
                    }
                    Err(error) => {
                        look.broken.insert(tenant);
                        look.failed(error);
                    }
                }
            }
            if mails >= FULL {
                self.start_batch(batch, look).await?;
                (batch, mails) = (self.ports.ids.reminder_batch_id(), 0);
            }
        }
        if mails > 0 {
            self.start_batch(batch, look).await?;
        }
        Ok(goes_on)
    }

    /// Takes one set of a tenant into a batch.
    async fn take_reminders_of(&self, ctx: &Context, batch: ReminderBatchId) -> Result<Turn, AppError> {
        let now = self.ports.clock.now();
        let mut uow = self.begin(ctx).await?;
        let settings = uow.tasks().settings().await?;
        if let Some(until) = settings.quiet_until(now) {
            uow.reminders().rest(&settings, until).await?;
            uow.commit().await?;
            return Ok(Turn::Resting);
        }
        let mut tasks = uow.reminders().lock_due(now, SET).await?;
        if tasks.is_empty() {
            return Ok(Turn::Taken(0));
        }
        let mut mails = Vec::new();
        for stored in &mut tasks {
            for reminder in stored.take_reminders(now) {
                mails.push(ReminderMail { id: self.ports.ids.reminder_mail_id(), task: stored.task.id, reminder });
            }
        }
        uow.reminders().store_taken(&tasks).await?;
        uow.reminders().queue(batch, &mails, now).await?;
        uow.commit().await?;
        Ok(Turn::Taken(mails.len()))
    }

    /// What cannot be started ends the look: the rest is better left where it is, for there it becomes one mail for each
    /// person.
    async fn start_batch(&self, batch: ReminderBatchId, look: &mut Look<'_>) -> Result<(), AppError> {
        match self.hand_over_reminders(batch, &mut look.done).await {
            Ok(()) => Ok(()),
            Err(error) => Err(look.first_error.take().unwrap_or(error)),
        }
    }

    async fn ask_again_for_reminders(&self, batch: ReminderBatchId, done: &mut DueReminders) -> Result<(), AppError> {
        for tenant in self.ports.reminders.tenants_of_reminders(batch).await? {
            let mut uow = self.begin(&Context::new(tenant)).await?;
            // It does not stand still any more, whatever comes of it.
            uow.reminders().touch(batch, self.ports.clock.now()).await?;
            uow.commit().await?;
        }
        self.hand_over_reminders(batch, done).await
    }

    async fn hand_over_reminders(&self, batch: ReminderBatchId, done: &mut DueReminders) -> Result<(), AppError> {
        match self.ports.workflows.start_reminders(batch).await.map_err(engine_down)? {
            Started::Running => done.started += 1,
            Started::Closed => {
                self.give_up_reminders(batch).await?;
                done.given_up += 1;
            }
        }
        Ok(())
    }
}
