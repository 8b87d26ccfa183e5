use muster_domain::tasks::OpenReminder;
use muster_domain::{ReminderBatchId, ReminderMailId};

use super::mail::mail;
use crate::mails::GROUP;
use crate::ports::{Delivery, Heartbeat};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Sends the reminders of a batch that have not been sent, and are still wanted: each is looked at as its task and its
    /// user are when its turn comes. Each group is recorded before the next one goes out, so a crash repeats one group at
    /// most, under the same message ids.
    ///
    /// # Errors
    /// `Unavailable` when some mails were put off by the mail server, or it does not answer: to be called again later.
    pub async fn send_reminders(
        &self,
        ctx: &Context,
        batch: ReminderBatchId,
        beat: &dyn Heartbeat,
    ) -> Result<(), AppError> {
        let unavailable = |code, message| Err(AppError::new(ErrorKind::Unavailable, code, message));
        let (mut after, mut put_off) = (None, 0);
        loop {
            if beat.is_cancelled() {
                return unavailable(ErrorCode::Cancelled, "the worker is stopping".to_owned());
            }
            let mut uow = self.begin(ctx).await?;
            let open = uow.reminders().open(batch, after, GROUP).await?;
            let settings = uow.tasks().settings().await?;
            drop(uow);
            let Some(last) = open.last() else { break };
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
            uow.reminders().touch(batch, now).await?;
            uow.commit().await?;
            if !with(Delivery::Unreachable).is_empty() {
                return unavailable(ErrorCode::MailUnreachable, "the mail server does not answer".to_owned());
            }
            put_off += with(Delivery::Deferred).len();
        }
        if put_off > 0 {
            return unavailable(ErrorCode::MailDeferred, format!("the mail server put off {put_off} mails"));
        }
        Ok(())
    }

    /// Keeps every mail of the batch that is wanted and could not be delivered in the time allowed as refused.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn give_up_reminders(&self, ctx: &Context, batch: ReminderBatchId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let open = uow.reminders().open(batch, None, u32::MAX).await?;
        let (wanted, over): (Vec<_>, Vec<_>) = open.iter().partition(|reminder| reminder.wanted().is_some());
        let ids = |reminders: Vec<&OpenReminder>| reminders.iter().map(|reminder| reminder.mail.id).collect::<Vec<_>>();
        uow.reminders().refused(batch, &ids(wanted), "mail_given_up", self.ports.clock.now()).await?;
        uow.reminders().done(batch, &ids(over)).await?;
        Ok(uow.commit().await?)
    }
}
