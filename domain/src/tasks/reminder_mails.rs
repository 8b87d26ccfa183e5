use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Reminder, StoredTask, Task, TaskSettings};
use crate::users::User;
use crate::{ReminderBatchId, ReminderMailId, RepositoryError, TaskId, TenantId};

/// A mail about a task that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReminderMail {
    /// Identity, by which repeats are recognised.
    pub id: ReminderMailId,
    /// The task.
    pub task: TaskId,
    /// What was taken of it.
    pub reminder: Reminder,
}

/// A mail that is still to be sent, with what it is about as that is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReminder {
    /// The mail.
    pub mail: ReminderMail,
    /// The task, alive or deleted; none when it was removed for good.
    pub task: Option<StoredTask>,
    /// To whom; none unless they are alive.
    pub user: Option<User>,
}

impl OpenReminder {
    /// What to tell whom, if that is still to be told: much may have happened since it was taken.
    pub fn wanted(&self) -> Option<(&Task, &User)> {
        let stored = self.task.as_ref().filter(|stored| stored.asks_for(&self.mail.reminder))?;
        Some((&stored.task, self.user.as_ref()?))
    }
}

/// Mails about tasks, within one unit of work, and so within one tenant.
///
/// What is due is taken out of tasks and queued as mails in the same unit of work, so that no date is lost or comes twice.
/// From there a mail leaves when it was sent or is not wanted any more, or stays as refused.
#[async_trait]
pub trait ReminderRepository: Send {
    /// Reads and locks tasks whose next reminder is due at `now`, those that wait for longest first, at most `limit`.
    /// Passes over those that another unit of work holds.
    async fn lock_due(&mut self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, RepositoryError>;

    /// Stores up to when locked tasks have reminded, and when they do so next, with one statement. All else of them stays.
    async fn store_taken(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError>;

    /// Queues mails in a batch, which may have mails of other tenants, with one statement.
    async fn queue(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMail],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Notes that nothing is due before `until`, which `settings` have led to; not when they are others by now. It holds
    /// until settings are stored.
    async fn rest(&mut self, settings: &TaskSettings, until: DateTime<Utc>) -> Result<(), RepositoryError>;

    /// The mails of a batch that are still to be sent, with ids after `after`, by id ascending, at most `limit`.
    async fn open(
        &mut self,
        batch: ReminderBatchId,
        after: Option<ReminderMailId>,
        limit: u32,
    ) -> Result<Vec<OpenReminder>, RepositoryError>;

    /// Takes these out of their batch: they were sent, or are not wanted any more.
    async fn done(&mut self, batch: ReminderBatchId, mails: &[ReminderMailId]) -> Result<(), RepositoryError>;

    /// Keeps these as refused for good, with a code that says why, for as long as there are their task and their user.
    async fn refused(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMailId],
        code: &'static str,
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError>;

    /// Notes that the mails of a batch were looked after, so that they do not stand still.
    async fn touch(&mut self, batch: ReminderBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError>;
}

/// Looks for what is to remind somebody, outside a unit of work: ids only, because this is read across tenants.
#[async_trait]
pub trait ReminderReader: Send + Sync {
    /// Tenants with tasks whose next reminder is due at `now`, and who do not rest, with ids after `after`, by id ascending,
    /// at most `limit`. It costs one look for each tenant with tasks that sleep, however many.
    async fn due_reminders(
        &self,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, RepositoryError>;

    /// Batches with a mail that was last looked after before `before` and is still to be sent, by id ascending, at most
    /// `limit`.
    async fn stalled_reminders(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ReminderBatchId>, RepositoryError>;

    /// Tenants who have mails in a batch that are still to be sent, by id ascending: all of them, for a batch is of few.
    async fn tenants_of_reminders(&self, batch: ReminderBatchId) -> Result<Vec<TenantId>, RepositoryError>;
}
