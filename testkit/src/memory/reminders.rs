use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use muster_domain::tasks::{OpenReminder, ReminderMail, ReminderReader, ReminderRepository, StoredTask, TaskSettings};
use muster_domain::users::User;
use muster_domain::{ReminderBatchId, ReminderMailId, RepositoryError, TenantId};

use super::unit::defect;
use super::{MemoryStore, MemoryUnit};

/// A line of `reminder_mails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReminder {
    /// The mail.
    pub mail: ReminderMail,
    /// Which batch it is in.
    pub batch: ReminderBatchId,
    /// When the batch was last looked after.
    pub looked_at: DateTime<Utc>,
    /// Why it was refused for good.
    pub refused: Option<&'static str>,
}

impl StoredReminder {
    fn is_open_in(&self, batch: ReminderBatchId) -> bool {
        self.batch == batch && self.refused.is_none()
    }
}

fn size(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn is_due(stored: &StoredTask, now: DateTime<Utc>) -> bool {
    stored.next_reminder_at().is_some_and(|at| at <= now)
}

#[async_trait]
impl ReminderRepository for MemoryUnit {
    async fn lock_due(&mut self, now: DateTime<Utc>, limit: u32) -> Result<Vec<StoredTask>, RepositoryError> {
        self.statement(|draft| {
            let mut due: Vec<_> = draft.tasks.values().filter(|stored| is_due(stored, now)).cloned().collect();
            due.sort_by_key(StoredTask::next_reminder_at);
            due.truncate(size(limit));
            Ok(due)
        })
    }

    async fn store_taken(&mut self, tasks: &[StoredTask]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for stored in tasks {
                let place = draft.tasks.get_mut(&stored.task.id).ok_or_else(|| defect("a task that does not exist"))?;
                place.reminded_through = stored.reminded_through;
            }
            Ok(())
        })
    }

    async fn queue(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMail],
        now: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for mail in mails {
                let stored = StoredReminder { mail: *mail, batch, looked_at: now, refused: None };
                if draft.reminders.insert(mail.id, stored).is_some() {
                    return Err(defect("a mail of this id is there already"));
                }
            }
            Ok(())
        })
    }

    async fn rest(&mut self, settings: &TaskSettings, until: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            let hours = |settings: &TaskSettings| (settings.zone, settings.quiet);
            if draft.task_settings.as_ref().map(hours) == Some(hours(settings)) {
                draft.quiet_until = Some(until);
            }
            Ok(())
        })
    }

    async fn open(
        &mut self,
        batch: ReminderBatchId,
        after: Option<ReminderMailId>,
        limit: u32,
    ) -> Result<Vec<OpenReminder>, RepositoryError> {
        self.statement(|draft| {
            let open = draft.reminders.iter().filter(|(id, stored)| stored.is_open_in(batch) && Some(**id) > after);
            let open = open.take(size(limit)).map(|(_, stored)| OpenReminder {
                mail: stored.mail,
                task: draft.tasks.get(&stored.mail.task).cloned(),
                user: draft.users.get(&stored.mail.reminder.to).map(|user| User::clone(user)),
            });
            Ok(open.collect())
        })
    }

    async fn done(&mut self, batch: ReminderBatchId, mails: &[ReminderMailId]) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            draft.reminders.retain(|id, stored| stored.batch != batch || !mails.contains(id));
            Ok(())
        })
    }

    async fn refused(
        &mut self,
        batch: ReminderBatchId,
        mails: &[ReminderMailId],
        code: &'static str,
        _: DateTime<Utc>,
    ) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for (id, stored) in &mut draft.reminders {
                if stored.is_open_in(batch) && mails.contains(id) {
                    stored.refused = Some(code);
                }
            }
            Ok(())
        })
    }

    async fn touch(&mut self, batch: ReminderBatchId, now: DateTime<Utc>) -> Result<(), RepositoryError> {
        self.statement(|draft| {
            for stored in draft.reminders.values_mut().filter(|stored| stored.is_open_in(batch)) {
                stored.looked_at = now;
            }
            Ok(())
        })
    }
}

#[async_trait]
impl ReminderReader for MemoryStore {
    async fn due_reminders(
        &self,
        now: DateTime<Utc>,
        after: Option<TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, RepositoryError> {
        self.fault().call()?;
        let tenants = self.tenants();
        let due = tenants.iter().filter(|(tenant, state)| {
            Some(**tenant) > after
                && state.quiet_until.is_none_or(|until| until <= now)
                && state.tasks.values().any(|stored| is_due(stored, now))
        });
        Ok(due.map(|(tenant, _)| *tenant).take(size(limit)).collect())
    }

    async fn stalled_reminders(
        &self,
        before: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<ReminderBatchId>, RepositoryError> {
        self.fault().call()?;
        let mut stalled = BTreeSet::new();
        for state in self.tenants().values() {
            let open = state.reminders.values().filter(|stored| stored.refused.is_none() && stored.looked_at < before);
            stalled.extend(open.map(|stored| stored.batch));
        }
        Ok(stalled.into_iter().take(size(limit)).collect())
    }

    async fn tenants_of_reminders(&self, batch: ReminderBatchId) -> Result<Vec<TenantId>, RepositoryError> {
        self.fault().call()?;
        let tenants = self.tenants();
        let waiting = tenants.iter().filter(|(_, state)| state.reminders.values().any(|mail| mail.is_open_in(batch)));
        Ok(waiting.map(|(tenant, _)| *tenant).collect())
    }
}
