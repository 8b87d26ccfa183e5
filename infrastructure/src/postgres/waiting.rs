use chrono::{DateTime, Utc};
use muster_domain::RepositoryError;
use sqlx::PgPool;

use super::error::repository_error;

/// Counts end here: whoever reads one that is so high needs no more exact one.
const AT_MOST: i32 = 100_000;

/// How much of something waits, of all tenants together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Of what: `operations_queued`, `welcome_mails`, `webhooks` and so on.
    pub what: String,
    /// How many, up to a bound.
    pub count: u64,
    /// Since when the oldest waits; none if none waits.
    pub since: Option<DateTime<Utc>>,
}

/// What waits for this process or another one, through a door that gives no ids (`migrations/0023_waiting.sql`).
///
/// # Errors
/// `Unavailable` when the database is.
pub async fn waiting(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<Waiting>, RepositoryError> {
    let rows = sqlx::query!(
        r#"select
               what as "what!"
             , waiting as "waiting!"
             , since
           from muster_waiting($1, $2)"#,
        now,
        AT_MOST,
    )
    .fetch_all(pool)
    .await
    .map_err(repository_error)?;
    let count = |waiting: i64| u64::try_from(waiting).unwrap_or_default();
    Ok(rows.into_iter().map(|row| Waiting { what: row.what, count: count(row.waiting), since: row.since }).collect())
}
