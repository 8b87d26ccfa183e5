//! `sqlx`: what the query macros learn from a migrated database, written to `.sqlx` or compared with it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use muster_testkit::{
    account::remove_home,
    pids,
    postgres::{Postgres, PostgresOptions},
    provision::{dev_dir, workspace_dir},
    stack,
};

use crate::{cargo::cargo, signals};

#[derive(Args)]
pub(crate) struct Options {
    /// Compares and changes nothing; fails when `.sqlx` is not up to date.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let tests = dev_dir()?.join("test");
    fs::create_dir_all(&tests).with_context(|| format!("cannot create {}", tests.display()))?;
    stack::clean_stale(&tests)?;
    let home = tests.join(format!("sqlx-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    stack::claim(&home)?;
    let fresh = ask(&home);
    remove_home(&home)?;
    let fresh = fresh?;

    let dir = workspace_dir()?.join(".sqlx");
    let committed = read(&dir)?;
    let count = fresh.len();
    if options.check {
        let differences = differences(&committed, &fresh);
        if !differences.is_empty() {
            bail!(".sqlx is not up to date: run `cargo xtask sqlx`\n  {}", differences.join("\n  "));
        }
        println!("sqlx: .sqlx is up to date ({count} queries)");
        return Ok(());
    }
    fs::create_dir_all(&dir)?;
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(dir.join(name))?;
    }
    for (name, text) in fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)) {
        fs::write(dir.join(name), text)?;
    }
    println!("sqlx: .sqlx has {count} queries");
    Ok(())
}

/// The files that the macros write against a throwaway database.
fn ask(home: &Path) -> Result<BTreeMap<String, String>> {
    let start = || {
        let postgres = Postgres::start(home, PostgresOptions::THROWAWAY)?;
        migrate(&postgres)?;
        Ok(postgres)
    };
    let clean_up = || {
        pids::end_all(&home.join("pids"))?;
        remove_home(home)
    };
    let postgres = signals::cleaning_up(clean_up, start)?;
    expand(&postgres.owner_url("muster"), &home.join("queries"))
}

/// With psql, not with `muster`: the program may not compile before its queries are known.
fn migrate(postgres: &Postgres) -> Result<()> {
    postgres.create_database("muster", None)?;
    let dir = workspace_dir()?.join("migrations");
    let mut files: Vec<PathBuf> = fs::read_dir(&dir)
        .with_context(|| format!("cannot read {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    files.iter().try_for_each(|file| postgres.psql_file_as_owner("muster", file))
}

/// Expands the macros against the database; gives the files they write.
fn expand(database_url: &str, queries: &Path) -> Result<BTreeMap<String, String>> {
    fs::create_dir_all(queries)?;
    // A newer source makes cargo compile the crate again; its old time afterwards saves the next build from doing so.
    let source = workspace_dir()?.join("infrastructure/src/lib.rs");
    let file =
        File::options().append(true).open(&source).with_context(|| format!("cannot open {}", source.display()))?;
    let before = file.metadata()?.modified()?;
    file.set_modified(SystemTime::now())?;
    let mut command = cargo()?;
    command
        .args(["check", "--quiet", "-p", "muster-infrastructure", "--all-targets"])
        .env("SQLX_OFFLINE", "false")
        .env("DATABASE_URL", database_url)
        .env("SQLX_OFFLINE_DIR", queries);
    let status = signals::run_to_end(command);
    file.set_modified(before)?;
    ensure!(status?.success(), "muster-infrastructure does not compile against the migrated database: see above");
    read(queries)
}

fn read(dir: &Path) -> Result<BTreeMap<String, String>> {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(BTreeMap::new()) };
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?))
        })
        .filter(|file: &Result<_>| file.as_ref().map_or(true, |(name, _)| name.starts_with("query-")))
        .collect()
}

fn differences(committed: &BTreeMap<String, String>, fresh: &BTreeMap<String, String>) -> Vec<String> {
    let missing = fresh.keys().filter(|name| !committed.contains_key(*name)).map(|name| format!("missing: {name}"));
    let stale =
        committed.keys().filter(|name| !fresh.contains_key(*name)).map(|name| format!("no longer used: {name}"));
    let changed = fresh
        .iter()
        .filter(|(name, text)| committed.get(*name).is_some_and(|old| old != *text))
        .map(|(name, _)| format!("changed: {name}"));
    missing.chain(stale).chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_what_is_missing_stale_or_changed() {
        let files = |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let committed: BTreeMap<String, String> = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let fresh = files(&[("b", "1"), ("c", "2"), ("d", "1")]);
        assert_eq!(differences(&committed, &fresh), ["missing: d", "no longer used: a", "changed: c"]);
    }
}
