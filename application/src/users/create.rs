use muster_domain::FieldError;
use muster_domain::users::{NewUser, TakenBy, User};

use crate::imports::ImportRow;
use crate::{App, AppError, Context, ErrorKind};

impl App {
    /// Makes one user of what was read of a request.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule; `Conflict` with every field whose value a living user has.
    pub async fn create_user(&self, ctx: &Context, row: &ImportRow<'_>) -> Result<User, AppError> {
        let new = self.parse_row(row).map_err(AppError::wrong_fields)?;
        let (now, rows) = (self.ports.clock.now(), [(self.ports.ids.user_id(), new)]);
        let mut uow = self.begin(ctx).await?;
        let lost = uow.users().insert_free(&rows, now).await?;
        let [(id, new)] = rows;
        if lost.is_empty() {
            uow.commit().await?;
            return Ok(User::new(id, new, now));
        }
        let holders = uow.users().holders(&[new.email.as_str()], &[new.username.folded()]).await?;
        Err(taken(&new, &holders))
    }
}

fn taken(new: &NewUser, holders: &[TakenBy]) -> AppError {
    let email = holders.iter().any(|holder| holder.email == new.email.as_str());
    let username = holders.iter().any(|holder| holder.username == new.username.folded());
    let message = match (email, username) {
        (true, true) => "email and username are already taken",
        (true, false) => "email is already taken",
        (false, true) => "username is already taken",
        // Whoever held it is gone by now.
        (false, false) => "email or username was taken a moment ago; try again",
    };
    let problem = |field| FieldError::new(field, "duplicate", "belongs to an existing user").into();
    let mut error = AppError::new(ErrorKind::Conflict, "CONFLICT", message);
    error.problems.extend(email.then(|| problem("email")));
    error.problems.extend(username.then(|| problem("username")));
    error
}
