use muster_domain::OperationId;
use muster_domain::mails::MailBatch;

use crate::ports::Heartbeat;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Send the welcome mails of the blocks `first_block..=last_block`.
#[derive(Debug, Clone, Copy)]
pub struct SendMails {
    /// Which operation.
    pub operation: OperationId,
    /// First block, from 0.
    pub first_block: u32,
    /// Last block.
    pub last_block: u32,
}

impl App {
    /// Sends what has not been sent. Each group of mails is recorded before the next one goes out, so a crash
    /// repeats one group at most, under the same message ids.
    ///
    /// # Errors
    /// `Unavailable` when some mails were put off by the mail server, or it does not answer: to be called again later.
    pub async fn send_mails(&self, ctx: &Context, command: SendMails, beat: &dyn Heartbeat) -> Result<(), AppError> {
        let operation = self.operation(ctx, command.operation).await?;
        let mut put_off = 0;
        for block in command.first_block..=command.last_block {
            let Some(mut batch) = self.mail_batch(ctx, command.operation, block).await? else { continue };
            // Those put off get one more try in each call; then the engine decides when the next one is.
            let mut retries = batch.deferred.len();
            while batch.has_untried() || retries > 0 {
                if beat.is_cancelled() {
                    return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::Cancelled, "the worker is stopping"));
                }
                let was_untried = batch.has_untried();
                let done = self.send_group(ctx, &operation, block, &batch, retries).await?;
                if done.unreachable {
                    return Err(AppError::new(
                        ErrorKind::Unavailable,
                        ErrorCode::MailUnreachable,
                        "the mail server does not answer",
                    ));
                }
                if !was_untried {
                    retries = retries.saturating_sub(super::group::GROUP as usize);
                }
                batch = done.batch;
            }
            put_off += batch.deferred.len();
        }
        if put_off > 0 {
            let message = format!("the mail server put off {put_off} mails");
            return Err(AppError::new(ErrorKind::Unavailable, ErrorCode::MailDeferred, message));
        }
        Ok(())
    }

    pub(super) async fn mail_batch(
        &self,
        ctx: &Context,
        operation: OperationId,
        block: u32,
    ) -> Result<Option<MailBatch>, AppError> {
        let mut uow = self.begin(ctx).await?;
        let batch = uow.mails().lock(operation, block).await?;
        Ok(batch)
    }
}
