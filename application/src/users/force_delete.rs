use muster_domain::UserId;

use crate::{App, AppError, Context};

impl App {
    /// Removes a user for good, alive or deleted, with all that tells of them: history, mails, cached entries. Webhooks that
    /// told of them have an id and no more, and stay.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn force_delete_user(&self, ctx: &Context, id: UserId) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let now = self.ports.clock.now();
        if !uow.users().remove(id, now).await? {
            return Err(AppError::not_found("user"));
        }
        self.release_tasks(uow.as_mut(), &[id], now).await?;
        uow.commit().await?;
        // The history is gone with the user; that they were removed must be known all the same. Not by whom: the subject
        // of a token may be somebody's address.
        tracing::info!(tenant.id = %ctx.tenant, user.id = %id, "a user was removed for good");
        Ok(())
    }
}
