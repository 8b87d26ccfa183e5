use muster_domain::UserId;
use muster_domain::users::User;

use crate::{App, AppError, Context};

impl App {
    /// A living user.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's.
    pub async fn user(&self, ctx: &Context, id: UserId) -> Result<User, AppError> {
        let found = self.ports.users.find(ctx.tenant, id).await?;
        found.ok_or_else(|| AppError::not_found("user"))
    }
}
