//! A migrated Postgres data folder, made once per version of the migrations and copied for each test stack.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

use anyhow::{Context as _, Result};

use crate::{
    account::{Account, reachable, remove_home},
    pids,
    postgres::{Postgres, PostgresOptions},
    process::binary,
    provision,
    tools::{fingerprint, output_of, remove_dir},
};

/// Name of the service's database in every stack.
pub const DATABASE: &str = "muster";

/// Runs `muster migrate`.
pub fn migrate(bin: &Path, admin_url: &str, app_url: &str) -> Result<()> {
    let mut command = Command::new(binary(bin, "muster")?);
    command
        .arg("migrate")
        .env("APP_ENV", "development")
        .env("ADMIN_DATABASE_URL", admin_url)
        .env("DATABASE_URL", app_url);
    output_of(&mut command).context("cannot migrate the database")?;
    Ok(())
}

/// Puts a copy of the migrated data folder at `<home>/postgres`.
pub fn copy_into(home: &Path, bin: &Path) -> Result<()> {
    let cache = provision::dev_dir()?.join("cache");
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    let template = cache.join(format!("postgres-{}", key(bin)?));
    let account = Account::if_root()?;

    lock.lock()?;
    if !template.join("done").exists() {
        make(&cache, &template, bin)?;
    }
    // Shared from here on: stacks copy side by side, and nobody replaces the template meanwhile.
    lock.unlock()?;
    lock.lock_shared()?;
    let from = reachable(account, &template, &template.join("postgres"))?;
    let to = reachable(account, home, &home.join("postgres"))?;
    remove_dir(&to)?;
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    output_of(Command::new("cp").arg("-Rp").arg(&from).arg(&to))?;
    Ok(())
}

fn make(cache: &Path, template: &Path, bin: &Path) -> Result<()> {
    for old in
        fs::read_dir(cache)?.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("postgres-"))
    {
        pids::end_all(&old.path().join("pids"))?;
        remove_home(&old.path())?;
    }
    let mut postgres = Postgres::start(template, PostgresOptions::THROWAWAY)?;
    postgres.create_database(DATABASE, None)?;
    migrate(bin, &postgres.owner_url(DATABASE), &postgres.app_url(DATABASE))?;
    postgres.stop()?;
    File::create(template.join("done"))?;
    Ok(())
}

/// Changes with the migrations, the program that runs them, and Postgres.
fn key(bin: &Path) -> Result<String> {
    let program = fs::metadata(binary(bin, "muster")?)?;
    let built = program.modified()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let version = provision::version_of(&provision::postgres()?.bin.join("postgres"))?;
    let mut files: Vec<PathBuf> =
        fs::read_dir(provision::workspace_dir()?.join("migrations"))?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut migrations = Vec::new();
    for file in files {
        migrations.push((file.file_name().map(std::ffi::OsStr::to_owned), fs::read(&file)?));
    }
    Ok(fingerprint(&(migrations, version, program.len(), built)))
}
