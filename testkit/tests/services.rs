//! The services of the stack start, die, come back and end with their value. Needs the programs: `cargo xtask test`.

use std::{fs, path::PathBuf};

use anyhow::Result;
use muster_testkit::{
    account::remove_home,
    pids,
    postgres::{Postgres, PostgresOptions},
    provision,
    redis::Redis,
    temporal::{Storage, Temporal},
};

fn home(name: &str) -> Result<PathBuf> {
    let dir = provision::dev_dir()?.join(format!("test-services/{name}-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

fn finish(home: &std::path::Path) -> Result<()> {
    assert!(pids::read(&home.join("pids")).iter().all(|process| !process.is_running()));
    remove_home(home)
}

#[test]
fn postgres_keeps_its_data_over_a_crash_and_has_the_roles() -> Result<()> {
    let home = home("postgres")?;
    let mut postgres = Postgres::start(&home, PostgresOptions::DURABLE)?;
    postgres.create_database("one", None)?;
    postgres.psql("one", "create table t (n int); insert into t values (7)")?;
    let url = postgres.app_url("one");
    postgres.kill_hard()?;
    postgres.start_again()?;
    assert_eq!(postgres.app_url("one"), url);
    assert_eq!(postgres.psql("one", "select n from t")?, "7");
    assert_eq!(
        postgres.psql(
            "one",
            "select rolname, rolsuper, rolbypassrls from pg_roles where rolname like 'muster%' order by 1"
        )?,
        "muster_app|f|f\nmuster_owner|f|f\nmuster_service|f|f"
    );
    assert_eq!(
        postgres.psql("one", "select pg_get_userbyid(datdba) from pg_database where datname = 'one'")?,
        "muster_owner"
    );
    postgres.stop()?;
    drop(postgres);
    finish(&home)
}

#[test]
fn redis_comes_back_empty_on_the_same_port() -> Result<()> {
    let home = home("redis")?;
    let mut redis = Redis::start(&home)?;
    let url = redis.url();
    redis.kill_hard()?;
    redis.start_again()?;
    assert_eq!(redis.url(), url);
    drop(redis);
    finish(&home)
}

#[test]
fn temporal_on_a_file_survives_a_restart() -> Result<()> {
    let home = home("temporal")?;
    let mut temporal = Temporal::start(&home, Storage::File(home.join("temporal.db")))?;
    temporal.cli(&["workflow", "start", "--type", "nothing", "--task-queue", "none", "-w", "one"])?;
    temporal.kill_hard()?;
    temporal.start_again()?;
    assert!(temporal.history_events("one")? >= 2);
    let attributes = temporal.cli(&["operator", "search-attribute", "list"])?;
    assert!(attributes.contains("MusterTenant"), "{attributes}");
    temporal.stop()?;
    drop(temporal);
    finish(&home)
}
