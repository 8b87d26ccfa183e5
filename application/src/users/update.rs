use muster_domain::UserId;
use muster_domain::users::{User, UserChanges, UserEventKind, UserPatch};

use super::{CHANGED, Versions};
use crate::imports::RowProblem;
use crate::{App, AppError, Context, precondition};

/// Change a user.
#[derive(Debug)]
pub struct UpdateUser<'a> {
    /// Whom.
    pub id: UserId,
    /// What.
    pub patch: UserPatch<'a>,
    /// What could not be read of the request.
    pub problems: Vec<RowProblem>,
    /// Only if the user is at one of these versions.
    pub expected: Versions,
}

impl App {
    /// Changes a living user; what makes no difference is no change, and leaves the version as it is.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule; `NotFound`; `PreconditionFailed`; `Conflict` with every field
    /// whose value another living user has.
    pub async fn update_user(&self, ctx: &Context, command: UpdateUser<'_>) -> Result<User, AppError> {
        let changes = self.changes(&command)?;
        let mut uow = self.begin(ctx).await?;
        let found = uow.users().lock(command.id).await?;
        let mut stored =
            found.filter(|stored| stored.deleted_at.is_none()).ok_or_else(|| AppError::not_found("user"))?;
        precondition::check(stored.user.version, &command.expected, CHANGED)?;
        let made = stored.change(changes, self.ports.clock.now());
        if made.is_empty() {
            return Ok(stored.user);
        }
        let event =
            self.user_event(ctx.actor.clone(), command.id, UserEventKind::Updated, &made, stored.user.updated_at);
        self.store_user(ctx, uow, &stored, &event).await?;
        Ok(stored.user)
    }

    fn changes(&self, command: &UpdateUser<'_>) -> Result<UserChanges, AppError> {
        let parsed = UserChanges::parse(command.patch, self.settings.email_policy);
        let mut problems = command.problems.clone();
        match parsed {
            Ok(changes) if problems.is_empty() => Ok(changes),
            Ok(_) => Err(AppError::wrong_fields(problems)),
            Err(errors) => {
                problems.extend(errors.into_iter().map(RowProblem::from));
                Err(AppError::wrong_fields(problems))
            }
        }
    }
}
