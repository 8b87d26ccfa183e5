//! A database of its own for each test, copied from the migrated template that `cargo xtask test` made.

use std::{env, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    provision,
    tools::{output_of, random_hex},
};

/// Superuser URL of the shared test cluster.
pub const ADMIN_URL: &str = "MUSTER_TEST_POSTGRES";
/// Owner's URL of the template database.
pub const OWNER_URL: &str = "MUSTER_TEST_OWNER_URL";
/// Service role's URL of the template database.
pub const APP_URL: &str = "MUSTER_TEST_APP_URL";
/// URL of the shared test Redis.
pub const REDIS_URL: &str = "MUSTER_TEST_REDIS_URL";
/// Name of the migrated template database.
pub const TEMPLATE: &str = "muster_template";

/// A migrated, empty database; dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its name.
    pub name: String,
    /// URL of the role that owns it.
    pub owner_url: String,
    /// URL of the role that the service uses.
    pub app_url: String,
    /// URL of the superuser.
    pub admin_url: String,
}

/// Makes a database for one test.
pub fn create_test_database() -> Result<TestDatabase> {
    let name = format!("t_{}", random_hex(8)?);
    let admin = variable(ADMIN_URL)?;
    let database = TestDatabase {
        owner_url: with_database(&variable(OWNER_URL)?, &name)?,
        app_url: with_database(&variable(APP_URL)?, &name)?,
        admin_url: with_database(&admin, &name)?,
        name,
    };
    psql(&admin, &format!("create database {} template {TEMPLATE} owner muster_owner", database.name))?;
    Ok(database)
}

/// URL of the shared test Redis; tests prefix their keys with a tenant of their own.
pub fn test_redis_url() -> Result<String> {
    variable(REDIS_URL)
}

impl TestDatabase {
    /// Runs SQL as the superuser; rows are lines, columns separated by `|`.
    pub fn psql(&self, sql: &str) -> Result<String> {
        psql(&self.admin_url, sql)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A leftover is no harm: the whole cluster is thrown away after the tests.
        if let Ok(admin) = variable(ADMIN_URL) {
            let _ = psql(&admin, &format!("drop database if exists {} with (force)", self.name));
        }
    }
}

/// Runs SQL at a URL.
pub fn psql(url: &str, sql: &str) -> Result<String> {
    let program = provision::postgres()?.psql;
    output_of(Command::new(program).args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]))
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set: run `cargo xtask test`"))
}

/// The same URL for another database.
pub fn with_database(url: &str, name: &str) -> Result<String> {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let (server, _) = before.rsplit_once('/').with_context(|| format!("{ADMIN_URL} names no database"))?;
    Ok(query.map_or_else(|| format!("{server}/{name}"), |query| format!("{server}/{name}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_swapped_and_its_options_stay() {
        assert_eq!(with_database("postgres://u:p@h:1/a", "b").unwrap(), "postgres://u:p@h:1/b");
        assert_eq!(
            with_database("postgres://u:p@h:1/a?sslmode=disable", "b").unwrap(),
            "postgres://u:p@h:1/b?sslmode=disable"
        );
    }
}
