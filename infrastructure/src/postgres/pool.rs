use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool};

use super::guard::{GuardError, check_role};

/// Every migration, embedded: forward only, run by the owner.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How to connect.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// Most connections at once.
    pub max_connections: u32,
    /// How long to wait for one before the database counts as unavailable.
    pub acquire_timeout: Duration,
}

/// A pool that connects when it is first used, so that a process starts while Postgres is down.
///
/// No statement runs on it before `check_role` has passed once: a role that row level security does not bind
/// never serves anybody, however late the database comes up.
///
/// # Errors
/// When the URL cannot be read.
pub fn connect_lazily(url: &str, options: PoolOptions) -> Result<PgPool, sqlx::Error> {
    let checked = Arc::new(AtomicBool::new(false));
    Ok(PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(options.acquire_timeout)
        // A round trip each time; see `usable`.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let checked = Arc::clone(&checked);
            Box::pin(async move {
                if !checked.load(Ordering::Acquire) {
                    check_role(connection).await.map_err(|error| match error {
                        GuardError::Unavailable(error) => error,
                        unsafe_role => sqlx::Error::Configuration(unsafe_role.into()),
                    })?;
                    checked.store(true, Ordering::Release);
                }
                Ok(())
            })
        })
        .connect_lazy_with(connect_options(url)?))
}

/// Checks the role once, on a connection of its own.
///
/// # Errors
/// What is unsafe, or that the database does not answer in `patience`.
pub async fn check_database(url: &str, patience: Duration) -> Result<(), GuardError> {
    let check = async {
        let mut connection = PgConnection::connect_with(&connect_options(url)?).await?;
        let verdict = check_role(&mut connection).await;
        connection.close().await?;
        verdict
    };
    tokio::time::timeout(patience, check).await.unwrap_or(Err(GuardError::Unavailable(sqlx::Error::PoolTimedOut)))
}

pub(super) fn connect_options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.application_name("muster"))
}

/// Runs the migrations that have not run.
///
/// # Errors
/// When the database is unreachable or a migration fails; what had run stays.
pub async fn migrate(owner_url: &str) -> Result<(), MigrateError> {
    let pool = PgPoolOptions::new().max_connections(1).connect(owner_url).await?;
    let result = MIGRATOR.run(&pool).await;
    // So that `muster check` can compare what has run with the role of the service.
    let told = sqlx::query("grant select on _sqlx_migrations to muster_service").execute(&pool).await;
    pool.close().await;
    result.and(told.map(drop).map_err(MigrateError::Execute))
}

/// Whether the database answers.
///
/// # Errors
/// Why it does not.
pub async fn ping(pool: &PgPool) -> Result<(), sqlx::Error> {
    usable(pool, || sqlx::query("select 1").execute(pool)).await.map(drop)
}

/// Does what may be repeated, on a connection of the pool that works. Connections are not tested before they are used:
/// one that broke while it was idle shows only then, is thrown away, and the next one is tried, as many as there can be.
pub(super) async fn usable<T, F>(pool: &PgPool, attempt: impl Fn() -> F) -> Result<T, sqlx::Error>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    for _ in 0..pool.options().get_max_connections() {
        match attempt().await {
            Err(error) if is_broken(&error) => {}
            done => return done,
        }
    }
    attempt().await
}

/// Whether it is the connection that failed: cut off, or ended by a server that stops.
fn is_broken(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}
