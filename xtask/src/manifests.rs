//! `manifests`: the chart, the compose file and the Dockerfile, checked by the libraries of those who read them.

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};
use muster_testkit::provision::{on_path, workspace_dir};

use crate::cargo::exit_code;

/// Why the check did not run.
pub(crate) const SKIPPED: &str = "Go is not installed: see deploy/check/README.md";

pub(crate) fn run() -> Result<ExitCode> {
    let Some(go) = go() else {
        println!("skipped  manifests: {SKIPPED}");
        return Ok(ExitCode::SUCCESS);
    };
    let status = command(&go)?.status().context("cannot run Go")?;
    Ok(exit_code(status))
}

/// Go, on `PATH` or where it is usually unpacked.
pub(crate) fn go() -> Option<PathBuf> {
    on_path("go").or_else(|| Some(PathBuf::from("/usr/local/go/bin/go")).filter(|file| file.is_file()))
}

/// The tests of `deploy/check`. Each time: Go would take an outcome it remembers, for it does not see that files outside of
/// the module have changed.
pub(crate) fn command(go: &Path) -> Result<Command> {
    let mut command = Command::new(go);
    command.current_dir(workspace_dir()?.join("deploy/check")).args(["test", "-count=1", "./..."]);
    // They ask Go where modules are.
    if let Some(dir) = go.parent() {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::env::join_paths(std::iter::once(dir.to_owned()).chain(std::env::split_paths(&paths)))?;
        command.env("PATH", paths);
    }
    Ok(command)
}
