use muster_domain::UserId;
use muster_domain::users::UserEventKind;

use super::{CHANGED, Versions};
use crate::{App, AppError, Context, precondition};

impl App {
    /// Deletes a living user softly: nobody finds them any more, their address and name are free, and they can be
    /// restored. Their open tasks are somebody else's, or nobody's.
    ///
    /// # Errors
    /// `NotFound`, also for one who is deleted already; `PreconditionFailed`.
    pub async fn delete_user(&self, ctx: &Context, id: UserId, expected: Versions) -> Result<(), AppError> {
        let mut uow = self.begin(ctx).await?;
        let found = uow.users().lock(id).await?;
        let mut stored =
            found.filter(|stored| stored.deleted_at.is_none()).ok_or_else(|| AppError::not_found("user"))?;
        precondition::check(stored.user.version, &expected, CHANGED)?;
        let now = self.ports.clock.now();
        stored.delete(now);
        let event = self.user_event(ctx.actor.clone(), id, UserEventKind::Deleted, &[], stored.user.updated_at);
        self.release_tasks(uow.as_mut(), &[id], now).await?;
        self.store_user(ctx, uow, &stored, &event).await
    }
}
