//! The services of the stack start, die, come back and end with their value. Needs the programs: `cargo xtask test`.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use muster_testkit::{
    account::remove_home,
    evidence, pids,
    postgres::{Postgres, PostgresOptions},
    provision,
    redis::Redis,
    temporal::{Storage, Temporal},
    tools::wait_until,
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

#[test]
fn logs_and_histories_of_a_failed_test_are_kept_also_when_temporal_is_gone() -> Result<()> {
    let home = home("evidence")?;
    let failed = home.join("failed");
    let mut temporal = Temporal::start(&home, Storage::Memory)?;
    temporal.cli(&["workflow", "start", "--type", "nothing", "--task-queue", "none", "-w", "one"])?;
    wait_until("the workflow in the list", Duration::from_secs(30), || {
        Ok(temporal.cli(&["workflow", "list"])?.contains("one").then_some(()))
    })?;
    let kept = evidence::keep(&home, &temporal, &failed)?;
    let files = || -> Result<Vec<_>> { Ok(fs::read_dir(&kept)?.flatten().map(|file| file.path()).collect()) };
    assert!(kept.join("temporal.log").exists(), "{:?}", files()?);
    let history = files()?.into_iter().find(|file| file.to_string_lossy().contains("history-"));
    assert!(fs::read_to_string(history.context("no history")?)?.contains("WORKFLOW_EXECUTION_STARTED"));

    temporal.stop()?;
    fs::remove_dir_all(&failed)?;
    for number in 0..21 {
        fs::create_dir_all(failed.join(format!("older-{number}")))?;
    }
    evidence::keep(&home, &temporal, &failed)?;
    assert!(kept.join("temporal.log").exists() && kept.join("no-histories.txt").exists(), "{:?}", files()?);
    assert_eq!(fs::read_dir(&failed)?.count(), 20);
    finish(&home)
}
