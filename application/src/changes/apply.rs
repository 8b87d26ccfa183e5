use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use muster_domain::operations::{Operation, RowStatus, StoredRow};
use muster_domain::users::{EmailAddress, FieldChange, StoredUser, UserChanges, UserEvent, UserEventKind, Username};
use muster_domain::{RepositoryError, UserId};

use super::claims::Claims;
use super::former::former;
use crate::imports::{RowProblem, failed_row};
use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// What is to happen to a user.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Fields are set.
    Set(UserChanges),
    /// They are deleted softly.
    Delete,
    /// They come back to life.
    Restore,
    /// They are removed for good.
    Erase,
}

/// What a row wants of a user who is there.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) row: u32,
    pub(crate) line: u64,
    pub(crate) target: UserId,
    pub(crate) change: Change,
    /// The version that the user must have. Who is at another one has been changed since; and what is not there any more
    /// need not be taken back.
    pub(crate) expected: Option<i64>,
}

/// What is decided about a row.
enum Verdict {
    Store(RowStatus, Box<UserEvent>, Option<String>),
    Erase,
    Skip,
    Fail(Vec<RowProblem>),
}

impl App {
    /// Changes users, each row one of them, and gives what became of the rows. One statement locks them all, one stores
    /// them all with their history.
    ///
    /// # Errors
    /// `Unavailable` when somebody else took an address or a name in this moment: the block is to be done again.
    pub(crate) async fn apply_changes(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        wanted: Vec<Wanted>,
    ) -> Result<Vec<StoredRow>, AppError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = wanted.iter().map(|wanted| wanted.target).collect();
        let locked = uow.users().lock_all(&ids).await?;
        let mut users: HashMap<_, _> = locked.into_iter().map(|stored| (stored.user.id, stored)).collect();
        let mut claims = claims(uow, &wanted, &users).await?;
        let now = self.ports.clock.now();
        let (mut rows, mut stored, mut erased) = (Vec::with_capacity(wanted.len()), Vec::new(), Vec::new());
        let mut seen = BTreeMap::new();
        for wanted in wanted {
            let Wanted { row, line, target, .. } = wanted;
            let verdict = match (seen.get(&target), users.get_mut(&target)) {
                (Some(first), _) => Verdict::Fail(vec![RowProblem::whole(
                    "duplicate_in_file",
                    format!("is about the same user as row {first} of this operation"),
                )]),
                (None, user) => self.judge_change(operation, &wanted, user, &mut claims, now),
            };
            seen.entry(target).or_insert(row);
            let mut done = match verdict {
                Verdict::Store(status, event, before) => {
                    let user = users.get(&target).cloned();
                    let version = user.as_ref().map(|stored| stored.user.version);
                    stored.extend(user.map(|user| (user, *event)));
                    StoredRow { version, before, ..StoredRow::new(row, line, status) }
                }
                Verdict::Erase => {
                    erased.push(target);
                    StoredRow::new(row, line, RowStatus::Erased)
                }
                Verdict::Skip => StoredRow::new(row, line, RowStatus::Skipped),
                Verdict::Fail(problems) => failed_row(row, line, &problems)?,
            };
            done.user = Some(target);
            rows.push(done);
        }
        uow.users().store_all(&stored).await.map_err(again)?;
        if !erased.is_empty() {
            uow.users().remove_all(&erased).await?;
        }
        let deleted = stored.iter().filter(|(user, _)| user.deleted_at.is_some()).map(|(user, _)| user.user.id);
        let gone: Vec<_> = deleted.chain(erased).collect();
        if !gone.is_empty() {
            self.release_tasks(uow, &gone, now).await?;
        }
        Ok(rows)
    }

    fn judge_change(
        &self,
        operation: &Operation,
        wanted: &Wanted,
        user: Option<&mut StoredUser>,
        claims: &mut Claims,
        now: DateTime<Utc>,
    ) -> Verdict {
        let is_undo = wanted.expected.is_some();
        let gone = || if is_undo { Verdict::Skip } else { Verdict::Fail(vec![not_found(&wanted.change)]) };
        let Some(user) = user else { return gone() };
        match (&wanted.change, user.deleted_at) {
            (Change::Set(_) | Change::Delete, Some(_)) => return gone(),
            (Change::Restore, None) => return Verdict::Skip,
            _ => {}
        }
        if wanted.expected.is_some_and(|version| version != user.user.version) {
            let detail = "the user was changed since, and stays as they are";
            return Verdict::Fail(vec![RowProblem::whole("changed_since", detail)]);
        }
        let mut after = user.clone();
        let (status, kind, made) = match &wanted.change {
            Change::Set(changes) => {
                let made = after.change(changes.clone(), now);
                if made.is_empty() {
                    return Verdict::Skip;
                }
                (RowStatus::Updated, UserEventKind::Updated, made)
            }
            Change::Delete => {
                after.delete(now);
                (RowStatus::Deleted, UserEventKind::Deleted, Vec::new())
            }
            Change::Restore => {
                after.restore(now);
                (RowStatus::Restored, UserEventKind::Restored, Vec::new())
            }
            Change::Erase => return Verdict::Erase,
        };
        if after.deleted_at.is_none()
            && let Err(problems) = claims.claim(wanted.row, &after)
        {
            return Verdict::Fail(problems);
        }
        *user = after;
        let event = self.event_of(operation, wanted.target, kind, &made, user.user.updated_at);
        Verdict::Store(status, Box::new(event), (!made.is_empty()).then(|| former(&made)))
    }

    /// A line of a user's history that an operation leaves.
    fn event_of(
        &self,
        operation: &Operation,
        user: UserId,
        kind: UserEventKind,
        made: &[FieldChange],
        at: DateTime<Utc>,
    ) -> UserEvent {
        let event = self.user_event(operation.actor.clone(), user, kind, made, at);
        UserEvent { operation: Some(operation.id), ..event }
    }
}

/// Who has the addresses and names that those who are changed are going to have.
async fn claims(
    uow: &mut dyn UnitOfWork,
    wanted: &[Wanted],
    users: &HashMap<UserId, StoredUser>,
) -> Result<Claims, AppError> {
    let (mut emails, mut usernames) = (Vec::new(), Vec::new());
    for wanted in wanted {
        match (&wanted.change, users.get(&wanted.target)) {
            (Change::Set(changes), Some(_)) => {
                emails.extend(changes.email.as_ref().map(EmailAddress::as_str));
                usernames.extend(changes.username.as_ref().map(Username::folded));
            }
            (Change::Restore, Some(stored)) => {
                emails.push(stored.user.email.as_str());
                usernames.push(stored.user.username.folded());
            }
            _ => {}
        }
    }
    if emails.is_empty() && usernames.is_empty() {
        return Ok(Claims::new(Vec::new()));
    }
    Ok(Claims::new(uow.users().holders(&emails, &usernames).await?))
}

fn not_found(change: &Change) -> RowProblem {
    let detail = match change {
        Change::Set(_) | Change::Delete => "there is no such living user",
        Change::Restore | Change::Erase => "there is no such user",
    };
    RowProblem::whole("not_found", detail)
}

fn again(error: RepositoryError) -> AppError {
    match error {
        RepositoryError::Conflict { .. } => {
            AppError::unavailable("somebody else took an address or a name in this moment; try again", error)
        }
        error => error.into(),
    }
}
