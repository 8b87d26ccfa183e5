//! Finds the programs of the stack on this machine and gets those that are missing, saying so first.

mod get;
mod promtool;
mod python;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::tools::output_of;

/// The programs of a Postgres installation.
#[derive(Clone, Debug)]
pub struct PostgresPrograms {
    /// Folder with `initdb` and `postgres`.
    pub bin: PathBuf,
    /// The `psql` program.
    pub psql: PathBuf,
}

/// Marks the error of a machine without Postgres and without a package manager that has it.
#[derive(Clone, Copy, Debug)]
pub struct PostgresMissing;

impl std::fmt::Display for PostgresMissing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no Postgres and no package manager that brings it")
    }
}

/// The folder `.dev` of the workspace: all that the stack writes is below it.
pub fn dev_dir() -> Result<PathBuf> {
    Ok(workspace_dir()?.join(".dev"))
}

/// The top folder of the workspace.
pub fn workspace_dir() -> Result<PathBuf> {
    // Fixed at compile time: tests run with the folder of their crate as working directory.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).context("testkit does not stand in a workspace")
}

/// Postgres: on the machine, else by the package manager, else (feature `embedded-postgres`) a downloaded archive.
pub fn postgres() -> Result<PostgresPrograms> {
    if let Some(found) = find_postgres() {
        return Ok(found);
    }
    match get::package(&get::POSTGRES, || find_postgres().is_some()) {
        Ok(()) => {
            find_postgres().context("Postgres was installed but `initdb` is not on PATH: add its bin folder to PATH")
        }
        Err(error) => get::embedded_postgres(error),
    }
}

/// Redis: on the machine, else by the package manager.
pub fn redis() -> Result<PathBuf> {
    if let Some(found) = find_redis() {
        return Ok(found);
    }
    get::package(&get::REDIS, || find_redis().is_some())?;
    find_redis().context("Redis was installed but `redis-server` is not on PATH: add it to PATH")
}

/// The Temporal command line program: on the machine, else the official download, else `go install`.
pub fn temporal() -> Result<PathBuf> {
    if let Some(found) = find_temporal()? {
        return Ok(found);
    }
    get::temporal(&dev_dir()?.join("bin"))
}

/// `make`, with which the allocator of the programs is built: on the machine, else by the package manager.
pub fn make() -> Result<()> {
    let is_there = || on_path("make").is_some();
    if is_there() { Ok(()) } else { get::package(&get::MAKE, is_there) }
}

/// Schemathesis, which compares an API with its document: in `.dev`, else installed there with Python's pip.
pub fn schemathesis() -> Result<PathBuf> {
    python::schemathesis()
}

/// `promtool`, which checks what Prometheus reads: on the machine, else out of a Debian package, else `go install`.
pub fn promtool() -> Result<PathBuf> {
    promtool::promtool()
}

/// The version line of a program, for cache keys.
pub fn version_of(program: &Path) -> Result<String> {
    output_of(Command::new(program).arg("--version"))
}

fn find_postgres() -> Option<PostgresPrograms> {
    let mut folders: Vec<PathBuf> =
        on_path("initdb").and_then(|file| Some(file.parent()?.to_owned())).into_iter().collect();
    folders.extend(newest_first("/usr/lib/postgresql", "bin"));
    folders.extend(newest_first("/usr", "bin").into_iter().filter(|dir| dir.to_string_lossy().contains("pgsql-")));
    folders.extend(
        newest_first("/opt/homebrew/opt", "bin")
            .into_iter()
            .filter(|dir| dir.to_string_lossy().contains("postgresql@")),
    );
    folders.extend(
        newest_first("/usr/local/opt", "bin").into_iter().filter(|dir| dir.to_string_lossy().contains("postgresql@")),
    );
    let bin = folders.into_iter().find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())?;
    let psql = Some(bin.join("psql")).filter(|file| file.exists()).or_else(|| on_path("psql"))?;
    Some(PostgresPrograms { bin, psql })
}

fn find_redis() -> Option<PathBuf> {
    on_path("redis-server").or_else(|| {
        ["/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin", "/usr/local/opt/redis/bin"]
            .iter()
            .map(|dir| Path::new(dir).join("redis-server"))
            .find(|file| file.exists())
    })
}

fn find_temporal() -> Result<Option<PathBuf>> {
    let home = env::home_dir().unwrap_or_default();
    let mut files = vec![dev_dir()?.join("bin/temporal")];
    files.extend(env::var_os("GOBIN").map(|dir| Path::new(&dir).join("temporal")));
    files.extend(env::var_os("GOPATH").map(|dir| Path::new(&dir).join("bin/temporal")));
    files.push(home.join("go/bin/temporal"));
    files.push(home.join(".temporalio/bin/temporal"));
    Ok(on_path("temporal").or_else(|| files.into_iter().find(|file| file.exists())))
}

/// A program on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// `parent/*/child` folders, the highest version number first.
fn newest_first(parent: &str, child: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            let digits: String = entry.file_name().to_string_lossy().chars().filter(char::is_ascii_digit).collect();
            (digits.parse().unwrap_or_default(), entry.path().join(child))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, dir)| dir).collect()
}
