use muster_domain::operations::{IdempotencyEntry, KeyOwner};
use muster_domain::users::{EmailAddress, FieldChange, FullName, TakenBy, User, UserEventKind, Username};
use muster_domain::{FieldError, UserId};

use crate::imports::{ImportRow, key_reused};
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Make one user of what was read of a request.
#[derive(Debug)]
pub struct CreateUser<'a> {
    /// The fields.
    pub row: &'a ImportRow<'a>,
    /// Whether the user gets a welcome mail.
    pub welcome: bool,
    /// What makes a repeated request the same request, and the digest of its body.
    pub key: Option<(&'a str, [u8; 32])>,
}

/// The user who was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedUser {
    /// As they are now.
    pub user: User,
    /// Whether the key and the body had been seen before.
    pub replayed: bool,
}

impl App {
    /// Makes one user, the first line of their history, and their place in the line for a welcome mail, in one commit.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule, and when the key stands for another body; `Conflict` with every
    /// field whose value a living user has.
    pub async fn create_user(&self, ctx: &Context, command: CreateUser<'_>) -> Result<CreatedUser, AppError> {
        let new = self.parse_row(command.row).map_err(AppError::wrong_fields)?;
        let now = self.ports.clock.now();
        let user = User::new(self.ports.ids.user_id(), new, now);
        let event = self.user_event(ctx.actor.clone(), user.id, UserEventKind::Created, &given(&user), now);

        if command.key.is_none() && self.ports.user_maker.make(ctx.tenant, &user, &event, command.welcome).await? {
            return Ok(CreatedUser { user, replayed: false });
        }
        // With a key there is more to do in the transaction; without one, somebody has the address or the name.
        let mut uow = self.begin(ctx).await?;
        if let Some((key, digest)) = command.key {
            let (owner, expires_at) = (KeyOwner::User(user.id), now + self.settings.key_lifetime);
            if let Some(entry) = uow.operations().claim_key(key, owner, Some(digest), expires_at).await? {
                drop(uow);
                return self.created_before(ctx, entry, digest).await;
            }
        }
        if uow.users().insert(&user, &event, command.welcome).await? {
            uow.commit().await?;
            return Ok(CreatedUser { user, replayed: false });
        }
        Err(taken(uow.as_mut(), user.id, &user.email, &user.username).await?)
    }

    /// The answer to a repeated request: the user as they are now, for what they were is kept nowhere.
    async fn created_before(
        &self,
        ctx: &Context,
        entry: IdempotencyEntry,
        digest: [u8; 32],
    ) -> Result<CreatedUser, AppError> {
        let KeyOwner::User(id) = entry.owner else { return Err(key_reused()) };
        if entry.digest != Some(digest) {
            return Err(key_reused());
        }
        let found = self.ports.users.find(ctx.tenant, id).await?;
        let user = found.ok_or_else(|| {
            let message = "the user whom this Idempotency-Key made has been deleted since; use another key";
            AppError::new(ErrorKind::Conflict, ErrorCode::Conflict, message)
        })?;
        Ok(CreatedUser { user, replayed: true })
    }
}

fn given(user: &User) -> Vec<FieldChange> {
    let name = user.full_name.as_ref().map(FullName::as_str);
    let mut fields = vec![
        FieldChange::new("email", None, Some(user.email.as_str())),
        FieldChange::new("username", None, Some(user.username.as_str())),
    ];
    fields.extend(name.map(|name| FieldChange::new("full_name", None, Some(name))));
    fields
}

/// Says which of the two is held by somebody else.
pub(super) async fn taken(
    uow: &mut dyn UnitOfWork,
    id: UserId,
    email: &EmailAddress,
    username: &Username,
) -> Result<AppError, AppError> {
    let mut holders = uow.users().holders(&[email.as_str()], &[username.folded()]).await?;
    holders.retain(|holder| holder.id != id);
    Ok(conflict(email.as_str(), &username.folded(), &holders))
}

fn conflict(email: &str, username: &str, holders: &[TakenBy]) -> AppError {
    let email = holders.iter().any(|holder| holder.email == email);
    let username = holders.iter().any(|holder| holder.username == username);
    let message = match (email, username) {
        (true, true) => "email and username are already taken",
        (true, false) => "email is already taken",
        (false, true) => "username is already taken",
        // Whoever held it is gone by now.
        (false, false) => "email or username was taken a moment ago; try again",
    };
    let problem = |field| FieldError::new(field, "duplicate", "belongs to an existing user").into();
    let mut error = AppError::new(ErrorKind::Conflict, ErrorCode::Conflict, message);
    error.problems.extend(email.then(|| problem("email")));
    error.problems.extend(username.then(|| problem("username")));
    error
}
