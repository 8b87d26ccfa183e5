use muster_domain::UserId;
use muster_domain::users::{User, UserEventKind};

use crate::{App, AppError, Context};

impl App {
    /// Brings a deleted user back to life.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for one who is not deleted; `Conflict` with every field whose value another living user
    /// has taken meanwhile.
    pub async fn restore_user(&self, ctx: &Context, id: UserId) -> Result<User, AppError> {
        let mut uow = self.begin(ctx).await?;
        let mut stored = uow.users().lock(id).await?.ok_or_else(|| AppError::not_found("user"))?;
        if stored.deleted_at.is_none() {
            return Err(AppError::invalid("the user is not deleted"));
        }
        stored.restore(self.ports.clock.now());
        let event = self.user_event(ctx.actor.clone(), id, UserEventKind::Restored, &[], stored.user.updated_at);
        self.store_user(ctx, uow, &stored, &event).await?;
        Ok(stored.user)
    }
}
