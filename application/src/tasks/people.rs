use muster_domain::UserId;
use muster_domain::tasks::TaskChanges;

use crate::imports::RowProblem;
use crate::ports::UnitOfWork;
use crate::{AppError, Context};

/// What is wrong with somebody who is nobody.
pub(super) fn unknown(field: &'static str) -> RowProblem {
    RowProblem::of(field, "unknown_user", "is no living user of this tenant")
}

/// Checks that those whom a task names are alive, and makes whoever asks its creator if they are a user and nobody else is
/// named. To be called before a task is locked: who deletes a user holds them, and waits for their tasks.
pub(super) async fn check(
    uow: &mut dyn UnitOfWork,
    said: &mut TaskChanges,
    asks: Option<UserId>,
) -> Result<(), AppError> {
    let named = [said.assignee.flatten(), said.creator];
    let wanted: Vec<UserId> = named.into_iter().flatten().chain(asks).collect();
    let living = uow.tasks().living(&wanted).await?;
    let is_unknown = |user: Option<UserId>| user.is_some_and(|user| !living.contains(&user));
    let mut problems = Vec::new();
    problems.extend(is_unknown(said.assignee.flatten()).then(|| unknown("assignee_id")));
    problems.extend(is_unknown(said.creator).then(|| unknown("creator_id")));
    if !problems.is_empty() {
        return Err(AppError::wrong_fields(problems));
    }
    said.creator = said.creator.or_else(|| asks.filter(|asks| living.contains(asks)));
    Ok(())
}

/// Who asks, if the subject of their token is the id of a user.
pub(super) fn asking(ctx: &Context) -> Option<UserId> {
    ctx.actor.as_deref().and_then(UserId::parse)
}
