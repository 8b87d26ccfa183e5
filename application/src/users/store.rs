use muster_domain::RepositoryError;
use muster_domain::users::{StoredUser, UserEvent};

use super::create::taken;
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

impl App {
    /// Stores a locked user with a line of their history, and commits.
    ///
    /// # Errors
    /// `Conflict` with every field whose value another living user has.
    pub(super) async fn store_user(
        &self,
        ctx: &Context,
        mut uow: Box<dyn UnitOfWork>,
        stored: &StoredUser,
        event: &UserEvent,
    ) -> Result<(), AppError> {
        match uow.users().store(stored, event).await {
            Ok(()) => Ok(uow.commit().await?),
            Err(RepositoryError::Conflict { .. }) => {
                // The constraint that spoke first names one field; the client wants to know of both.
                drop(uow);
                let mut uow = self.begin(ctx).await?;
                let user = &stored.user;
                Err(taken(uow.as_mut(), user.id, &user.email, &user.username).await?)
            }
            Err(error) => Err(error.into()),
        }
    }
}
