use muster_domain::tasks::OpenReminder;
use muster_domain::{ReminderBatchId, ReminderMailId};

use super::mail::mail;
use crate::mails::GROUP;
use crate::ports::{Delivery, Heartbeat};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Sends the reminders of a batch that have not been sent, and are still wanted: each is looked at as its task and its
    /// user are when its turn comes. Tenants come one after the other. Each group is recorded before the next one goes out,
    /// so a crash repeats one group at most, under the same message ids.
    ///
    /// # Errors
    /// `Unavailable` when some mails were put off by the mail server, or it does not answer: to be called again later.
    pub async fn send_reminders(&self, batch: ReminderBatchId, beat: &dyn Heartbeat) -> Result<(), AppError> {
        let (mut put_off, mut first_error) = (0, None);
        for tenant in self.ports.reminders.tenants_of_reminders(batch).await? {
            match self.send_reminders_of(&Context::new(tenant), batch, beat).await {
                Ok(more) => put_off += more,
                Err(error) if matches!(error.code, ErrorCode::Cancelled | ErrorCode::MailUnreachable) => {
                    return Err(error);
                }
                // One that cannot be helped must not keep help from the others.
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        if put_off > 0 {
            return unavailable(ErrorCode::MailDeferred, format!("the mail server put off {put_off} mails"));
        }
        first_error.map_or(Ok(()), Err)
    }

    /// Sends those of one tenant; says how many were put off.
    async fn send_reminders_of(
        &self,
        ctx: &Context,
        batch: ReminderBatchId,
        beat: &dyn Heartbeat,
    ) -> Result<usize, AppError> {
        let (mut after, mut put_off) = (None, 0);
        loop {
            if beat.is_cancelled() {
                return unavailable(ErrorCode::Cancelled, "the worker is stopping".to_owned());
            }
            let mut uow = self.begin(ctx).await?;
            let open = uow.reminders().open(batch, after, GROUP).await?;
            let settings = uow.tasks().settings().await?;
            drop(uow);
            let Some(last) = open.last() else { return Ok(put_off) };
            after = Some(last.mail.id);
            let (mut wanted, mut over) = (Vec::new(), Vec::new());
            for reminder in &open {
                let OpenReminder { mail: taken, .. } = reminder;
                match reminder.wanted() {
                    Some((task, user)) => wanted.push((taken.id, mail(taken, task, user, &settings)?)),
                    None => over.push(taken.id),
                }
            }
            let results = self.send_all(wanted).await;
            let with = |wanted: Delivery| -> Vec<ReminderMailId> {
                results.iter().filter(|(_, got)| *got == wanted).map(|(id, _)| *id).collect()
            };
            over.extend(with(Delivery::Sent));
            let mut uow = self.begin(ctx).await?;
            uow.reminders().done(batch, &over).await?;
            let now = self.ports.clock.now();
            uow.reminders().refused(batch, &with(Delivery::Refused), "mail_refused", now).await?;
            // What is left of a batch does not stand still; of most tenants nothing is.
            let is_last = open.len() < GROUP as usize;
            if !is_last || over.len() < open.len() {
                uow.reminders().touch(batch, now).await?;
            }
            uow.commit().await?;
            if !with(Delivery::Unreachable).is_empty() {
                return unavailable(ErrorCode::MailUnreachable, "the mail server does not answer".to_owned());
            }
            put_off += with(Delivery::Deferred).len();
            if is_last {
                return Ok(put_off);
            }
        }
    }

    /// Keeps every mail of the batch that is wanted and could not be delivered in the time allowed as refused.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn give_up_reminders(&self, batch: ReminderBatchId) -> Result<(), AppError> {
        let mut first_error = None;
        for tenant in self.ports.reminders.tenants_of_reminders(batch).await? {
            if let Err(error) = self.give_up_reminders_of(&Context::new(tenant), batch).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn give_up_reminders_of(&self, ctx: &Context, batch: ReminderBatchId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let open = uow.reminders().open(batch, None, u32::MAX).await?;
        let (wanted, over): (Vec<_>, Vec<_>) = open.iter().partition(|reminder| reminder.wanted().is_some());
        let ids = |reminders: Vec<&OpenReminder>| reminders.iter().map(|reminder| reminder.mail.id).collect::<Vec<_>>();
        uow.reminders().refused(batch, &ids(wanted), "mail_given_up", self.ports.clock.now()).await?;
        uow.reminders().done(batch, &ids(over)).await?;
        Ok(uow.commit().await?)
    }
}

fn unavailable<T>(code: ErrorCode, message: String) -> Result<T, AppError> {
    Err(AppError::new(ErrorKind::Unavailable, code, message))
}
