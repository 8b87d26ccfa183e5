use muster_domain::users::User;
use muster_domain::{UserId, WelcomeBatchId};

use super::group::GROUP;
use super::welcome::welcome;
use crate::ports::{Delivery, Heartbeat, MailKind};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

impl App {
    /// Sends the welcome mails of a batch that have not been sent. Each group is recorded before the next one goes
    /// out, so a crash repeats one group at most, under the same message ids.
    ///
    /// # Errors
    /// `Unavailable` when some mails were put off by the mail server, or it does not answer: to be called again later.
    pub async fn send_welcomes(
        &self,
        ctx: &Context,
        batch: WelcomeBatchId,
        beat: &dyn Heartbeat,
    ) -> Result<(), AppError> {
        let unavailable = |code, message| Err(AppError::new(ErrorKind::Unavailable, code, message));
        let (mut after, mut put_off) = (None, 0);
        loop {
            if beat.is_cancelled() {
                return unavailable(ErrorCode::Cancelled, "the worker is stopping".to_owned());
            }
            let mut uow = self.begin(ctx).await?;
            let users = uow.welcomes().open(batch, after, GROUP).await?;
            drop(uow);
            let Some(last) = users.last() else { break };
            after = Some(last.id);
            let results = self.send_group_to(users).await?;
            let with = |wanted: Delivery| -> Vec<UserId> {
                results.iter().filter(|(_, got)| *got == wanted).map(|(id, _)| *id).collect()
            };
            let mut uow = self.begin(ctx).await?;
            uow.welcomes().sent(batch, &with(Delivery::Sent)).await?;
            let refused = with(Delivery::Refused);
            uow.welcomes().refused(batch, &refused, "mail_refused", self.ports.clock.now()).await?;
            uow.welcomes().touch(batch, self.ports.clock.now()).await?;
            uow.commit().await?;
            if !with(Delivery::Unreachable).is_empty() {
                return unavailable(ErrorCode::MailUnreachable, "the mail server does not answer".to_owned());
            }
            put_off += with(Delivery::Deferred).len();
        }
        if put_off > 0 {
            return unavailable(ErrorCode::MailDeferred, format!("the mail server put off {put_off} mails"));
        }
        let mut uow = self.begin(ctx).await?;
        uow.welcomes().close(batch).await?;
        let came_back = !uow.welcomes().open(batch, None, 1).await?.is_empty();
        uow.commit().await?;
        if came_back {
            return unavailable(ErrorCode::MailDeferred, "a user was restored while the mails were sent".to_owned());
        }
        Ok(())
    }

    /// Keeps every mail of the batch that could not be delivered in the time allowed as refused.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn give_up_welcomes(&self, ctx: &Context, batch: WelcomeBatchId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let users = uow.welcomes().open(batch, None, u32::MAX).await?;
        let ids: Vec<_> = users.iter().map(|user| user.id).collect();
        uow.welcomes().refused(batch, &ids, "mail_given_up", self.ports.clock.now()).await?;
        uow.welcomes().close(batch).await?;
        Ok(uow.commit().await?)
    }

    async fn send_group_to(&self, users: Vec<User>) -> Result<Vec<(UserId, Delivery)>, AppError> {
        let mails: Result<Vec<_>, AppError> =
            users.iter().map(|user| Ok((user.id, welcome(&format!("welcome.{}", user.id), user)?))).collect();
        Ok(self.send_all(MailKind::Welcome, mails?).await)
    }
}
