use std::borrow::Cow;
use std::error::Error;

use sqlx::error::DatabaseError;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

use super::guard::Facts;
use super::pool::{MIGRATOR, connect_options};
use crate::check::{Finding, root};

const DATABASE: &str = "database";
const ROLE: &str = "database role";
const POLICIES: &str = "row level security";
const MIGRATIONS: &str = "migrations";
/// The oldest Postgres that the tests run on.
const OLDEST: u32 = 15;
const MIGRATE: &str = "run `muster migrate` of this release as the owner (ADMIN_DATABASE_URL)";

/// Looks at the database as the service sees it: whether it answers, whom row level security binds, and which
/// migrations have run. Each is looked at, whatever the others have come to.
pub async fn check(url: &str) -> Vec<Finding> {
    let Ok(options) = connect_options(url) else {
        let right = "set DATABASE_URL to postgres://user:password@host:5432/database";
        return unreachable("DATABASE_URL cannot be read".to_owned(), right.to_owned());
    };
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let mut connection = match PgConnection::connect_with(&options).await {
        Ok(connection) => connection,
        Err(error) => {
            let (wrong, mend) = refused(&error, &place);
            return unreachable(wrong, mend);
        }
    };
    let mut findings = vec![version(&connection, &place)];
    match Facts::read(&mut connection).await {
        Ok(facts) => findings.extend([role(&facts), policies(&facts)]),
        Err(error) => findings.extend([ROLE, POLICIES].map(|name| unreadable(name, &error))),
    }
    findings.push(migrations(&mut connection).await);
    // Everything is known: how the connection ends matters to nobody.
    let _ = connection.close().await;
    findings
}

fn unreachable(wrong: String, mend: String) -> Vec<Finding> {
    let rest = [ROLE, POLICIES, MIGRATIONS].map(|name| Finding::skipped(name, "the database cannot be asked"));
    [Finding::bad(DATABASE, wrong, mend)].into_iter().chain(rest).collect()
}

/// The SQLSTATE of what the server says.
fn code(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(DatabaseError::code)
}

/// What is wrong, and how to mend it, when there is no connection.
fn refused(error: &sqlx::Error, place: &str) -> (String, String) {
    match code(error).as_deref() {
        Some("28P01" | "28000") => {
            (format!("the server at {place} refuses the user or the password"), "mend DATABASE_URL".to_owned())
        }
        Some("3D000") => (
            format!("the server at {place} has no such database"),
            "mend the database in DATABASE_URL, or make it (docs/operate/configuration.md, database roles)".to_owned(),
        ),
        Some("53300") => (
            format!("the server at {place} has no connection left"),
            "raise max_connections, or lower DATABASE_POOL_SIZE of the processes".to_owned(),
        ),
        _ => (
            format!("no connection to {place}: {}", root(error)),
            "start Postgres, or mend host and port in DATABASE_URL".to_owned(),
        ),
    }
}

fn version(connection: &PgConnection, place: &str) -> Finding {
    let number = connection.server_version_num();
    match number {
        Some(number) if number / 10_000 < OLDEST => Finding::bad(
            DATABASE,
            format!("Postgres {} at {place} is too old", number / 10_000),
            format!("upgrade it to Postgres {OLDEST} or later"),
        ),
        Some(number) => Finding::good(DATABASE, format!("Postgres {}.{} at {place}", number / 10_000, number % 10_000)),
        None => Finding::good(DATABASE, format!("Postgres at {place}, which does not say its version")),
    }
}

fn role(facts: &Facts) -> Finding {
    match facts.unbound() {
        Some(why) => Finding::bad(
            ROLE,
            format!("the role \"{}\" {why}", facts.role),
            "name a member of muster_service in DATABASE_URL that owns no table (`create role muster_app login \
             nosuperuser nobypassrls in role muster_service`)",
        ),
        None => Finding::good(ROLE, format!("\"{}\" is bound by row level security", facts.role)),
    }
}

fn policies(facts: &Facts) -> Finding {
    let (unforced, missing): (Vec<_>, Vec<_>) = (facts.unforced().collect(), facts.missing().collect());
    if let Some(first) = unforced.first() {
        let alter = format!("alter table {first} enable row level security, force row level security");
        return Finding::bad(
            POLICIES,
            format!("off, or not forced, on {}: every tenant would see all rows", unforced.join(", ")),
            format!("as the owner, for each of them: `{alter}`"),
        );
    }
    if missing.is_empty() {
        return Finding::good(POLICIES, "forced on every table of tenants");
    }
    Finding::bad(POLICIES, format!("there is no table {}", missing.join(", ")), MIGRATE)
}

async fn migrations(connection: &mut PgConnection) -> Finding {
    match connection.list_applied_migrations(&MIGRATOR.table_name).await {
        Ok(applied) => compare(&MIGRATOR, &applied),
        Err(MigrateError::Execute(error)) => match code(&error).as_deref() {
            Some("42P01") => Finding::bad(MIGRATIONS, "none has run", MIGRATE),
            Some("42501") => Finding::bad(
                MIGRATIONS,
                "the role may not see which have run: an earlier release ran the last ones",
                MIGRATE,
            ),
            _ => unreadable(MIGRATIONS, &error),
        },
        Err(error) => unreadable(MIGRATIONS, &error),
    }
}

/// What has run against what is built in.
fn compare(built_in: &Migrator, applied: &[AppliedMigration]) -> Finding {
    let list = |versions: &[i64]| versions.iter().map(|version| format!("{version:04}")).collect::<Vec<_>>().join(", ");
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for migration in built_in.iter() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => missing.push(migration.version),
            Some(applied) if applied.checksum != migration.checksum => changed.push(migration.version),
            Some(_) => {}
        }
    }
    let known = |version: i64| built_in.iter().any(|migration| migration.version == version);
    let unknown: Vec<_> = applied.iter().map(|applied| applied.version).filter(|version| !known(*version)).collect();
    if !changed.is_empty() {
        return Finding::bad(
            MIGRATIONS,
            format!("{} ran with another text than this release has", list(&changed)),
            "find out who changed them: a migration that has run is never edited. Restore the file, or the database \
             from a backup; do not edit _sqlx_migrations",
        );
    }
    if !missing.is_empty() {
        return Finding::bad(MIGRATIONS, format!("{} have not run", list(&missing)), MIGRATE);
    }
    if !unknown.is_empty() {
        return Finding::bad(
            MIGRATIONS,
            format!("{} are not of this release, but of a later one", list(&unknown)),
            "replace this program with that of the release that migrated the database",
        );
    }
    Finding::good(MIGRATIONS, format!("all {} have run", applied.len()))
}

fn unreadable(name: &'static str, error: &(dyn Error + 'static)) -> Finding {
    Finding::bad(name, format!("it cannot be read: {}", root(error)), "look into the log of Postgres")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    fn applied() -> Vec<AppliedMigration> {
        let of = |migration: &sqlx::migrate::Migration| AppliedMigration {
            version: migration.version,
            checksum: migration.checksum.clone(),
        };
        MIGRATOR.iter().map(of).collect()
    }

    fn wrong(applied: &[AppliedMigration]) -> (String, String) {
        match compare(&MIGRATOR, applied).verdict {
            Verdict::Bad { wrong, mend } => (wrong, mend),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn migrations_that_are_missing_changed_or_of_a_later_release_are_told_apart() {
        assert!(matches!(compare(&MIGRATOR, &applied()).verdict, Verdict::Good(_)));
        let (says, mend) = wrong(&applied()[..applied().len() - 2]);
        assert!(says.contains("have not run") && mend.contains("muster migrate"), "{says}: {mend}");
        let mut changed = applied();
        changed[0].checksum = vec![0].into();
        assert!(wrong(&changed).0.starts_with("0001 ran with another text"));
        let mut later = applied();
        later.push(AppliedMigration { version: 9_999, checksum: vec![0].into() });
        let (says, mend) = wrong(&later);
        assert!(says.starts_with("9999 are not of this release") && mend.contains("replace"), "{says}: {mend}");
    }

    #[tokio::test]
    async fn without_a_connection_it_is_said_where_nobody_answers_and_no_password() {
        for (url, says) in [
            ("postgres://app:hidden@127.0.0.1:1/x", "no connection to 127.0.0.1:1"),
            ("no url with hidden", "cannot be read"),
        ] {
            let findings = check(url).await;
            assert_eq!(findings.len(), 4);
            assert!(!format!("{findings:?}").contains("hidden"), "{findings:?}");
            let Verdict::Bad { wrong, mend } = &findings[0].verdict else { panic!("{findings:?}") };
            assert!(wrong.contains(says) && mend.contains("DATABASE_URL"), "{wrong}: {mend}");
            assert!(findings[1..].iter().all(|finding| matches!(finding.verdict, Verdict::Skipped(_))));
        }
    }
}
