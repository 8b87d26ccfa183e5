use super::SendMails;
use super::group::record_refused;
use crate::{App, AppError, Context};

impl App {
    /// Counts every mail of the range that could not be delivered in the time allowed as refused.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn give_up_mails(&self, ctx: &Context, command: SendMails) -> Result<(), AppError> {
        let operation = self.operation(ctx, command.operation).await?;
        let ids = operation.row_ids();
        for block in command.first_block..=command.last_block {
            let mut uow = self.begin(ctx).await?;
            let Some(mut batch) = uow.mails().lock(command.operation, block).await? else { continue };
            if batch.is_finished() {
                continue;
            }
            let mut rows = std::mem::take(&mut batch.deferred);
            if batch.has_untried() {
                let untried =
                    uow.users().range(ids.id(batch.done_through + 1), ids.id(batch.last_row), u32::MAX).await?;
                rows.extend(untried.iter().filter_map(|user| ids.row(user.id)));
                batch.done_through = batch.last_row;
            }
            record_refused(uow.as_mut(), command.operation, &rows, "mail_given_up").await?;
            let refused = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            uow.mails().record(command.operation, block, &batch, 0, refused, self.ports.clock.now()).await?;
            uow.commit().await?;
        }
        Ok(())
    }
}
