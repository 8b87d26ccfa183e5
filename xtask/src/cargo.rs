//! Running cargo.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode, ExitStatus},
};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::provision::{self, workspace_dir};

/// The packages whose programs make up the service.
const PROGRAMS: [&str; 6] = ["-p", "muster-api", "-p", "muster-worker", "-p", "muster-cli"];

/// `cargo` in the top folder of the workspace, without the variables of the run that started us, and with the `make` that
/// its builds need.
pub(crate) fn cargo() -> Result<Command> {
    provision::make()?;
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace_dir()?);
    // Set by `cargo run` for us; handed on they would make cargo take others for changed.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_CRATE_NAME" {
            command.env_remove(&name);
        }
    }
    Ok(command)
}

/// Builds `api`, `worker` and `muster`; gives the folder they are in. `MUSTER_BIN_DIR` names one with built programs.
pub(crate) fn build_programs(release: bool) -> Result<PathBuf> {
    if let Some(dir) = env::var_os("MUSTER_BIN_DIR") {
        return Ok(dir.into());
    }
    let mut command = cargo()?;
    command.arg("build").args(PROGRAMS).env("SQLX_OFFLINE", "true");
    if release {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo: is it on PATH?")?;
    ensure!(status.success(), "the build failed: see above");
    crate::target_dir(if release { "release" } else { "debug" })
}

/// Builds an example of a package in release; gives the program.
#[cfg(target_os = "linux")]
pub(crate) fn build_example(package: &str, name: &str) -> Result<PathBuf> {
    let mut command = cargo()?;
    command.args(["build", "--release", "-p", package, "--example", name]).env("SQLX_OFFLINE", "true");
    let status = command.status().context("cannot run cargo: is it on PATH?")?;
    ensure!(status.success(), "the build failed: see above");
    Ok(crate::target_dir("release")?.join("examples").join(name))
}

/// Whether `cargo <name>` is installed.
pub(crate) fn has_subcommand(name: &str) -> bool {
    provision::on_path(&format!("cargo-{name}")).is_some()
        || env::home_dir().is_some_and(|home| home.join(".cargo/bin").join(format!("cargo-{name}")).exists())
}

/// The exit code of a program as ours.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
