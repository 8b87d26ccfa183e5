use std::collections::HashSet;
use std::time::Duration;

use muster_domain::UserId;
use muster_domain::users::{FullName, User, UserEvent};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::user_sets::{Events, NONE};

/// Somebody to be made, and what goes with them.
pub(super) struct Newcomer {
    pub(super) user: User,
    /// The first line of their history.
    pub(super) event: UserEvent,
    /// Whether they get a welcome mail.
    pub(super) welcome: bool,
}

/// Users of one tenant, each with all that goes with them (`migrations/0024_insert_users.sql`): gives the ids of those who are
/// made, now or by the same call before. `patience` is for values that an open transaction holds; zero has no end.
pub(super) async fn insert_users(
    executor: impl PgExecutor<'_>,
    tenant: Uuid,
    newcomers: &[&Newcomer],
    patience: Duration,
) -> Result<HashSet<UserId>, sqlx::Error> {
    let users = || newcomers.iter().map(|newcomer| &newcomer.user);
    let events = Events::of(|| newcomers.iter().map(|newcomer| &newcomer.event));
    let made = sqlx::query_scalar!(
        r#"select muster_insert_users(
               $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
           ) as "made!""#,
        tenant,
        &users().map(|user| user.id.get()).collect::<Vec<_>>(),
        &users().map(|user| user.email.as_str()).collect::<Vec<_>>() as &[&str],
        &users().map(|user| user.username.as_str()).collect::<Vec<_>>() as &[&str],
        &users().map(|user| user.full_name.as_ref().map(FullName::as_str)).collect::<Vec<_>>() as &[Option<&str>],
        &users().map(|user| user.is_active).collect::<Vec<_>>(),
        &users().map(|user| user.version).collect::<Vec<_>>(),
        &users().map(|user| user.created_at).collect::<Vec<_>>(),
        &users().map(|user| user.updated_at).collect::<Vec<_>>(),
        &events.ids,
        &events.kinds as &[&str],
        &events.actors as &[Option<String>],
        &events.fields,
        &events.before,
        &events.after,
        NONE,
        &newcomers.iter().map(|newcomer| newcomer.welcome).collect::<Vec<_>>(),
        i32::try_from(patience.as_millis()).unwrap_or(i32::MAX),
    )
    .fetch_one(executor)
    .await?;
    Ok(made.into_iter().map(UserId::new).collect())
}
