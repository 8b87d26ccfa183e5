//! Cargo's tools that no toolchain brings: those on this machine, else of one version and built into `.dev/tools`.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    provision::{dev_dir, on_path},
    tools::announce,
};

use crate::cargo::cargo;

/// A tool, and the version that is built.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// Licences, bans, sources and advisories of crates.
pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
/// Crates that are named and not used.
pub(crate) const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };
/// Bills of materials.
pub(crate) const CYCLONEDX: Tool = Tool { name: "cargo-cyclonedx", version: "0.5.9" };

impl Tool {
    /// Where it is, if it is anywhere.
    pub(crate) fn find(&self) -> Result<Option<PathBuf>> {
        let home = env::home_dir().unwrap_or_default().join(".cargo/bin").join(self.name);
        Ok([self.own()?, home].into_iter().find(|file| file.is_file()).or_else(|| on_path(self.name)))
    }

    /// Where it is; built first if it is nowhere.
    pub(crate) fn get(&self) -> Result<PathBuf> {
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        announce(&format!("building {} {} (once; up to 4 minutes)", self.name, self.version));
        let root = dev_dir()?.join("tools").join(self.folder());
        let status = cargo()?
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(root)
            .arg(self.crate_version())
            .status()
            .context("cannot run cargo: is it on PATH?")?;
        ensure!(status.success(), "cannot build {}: see above", self.name);
        self.own()
    }

    /// How people get it.
    pub(crate) fn hint(&self) -> String {
        format!("{} is not installed: cargo install --locked {}", self.name, self.crate_version())
    }

    /// `cargo <tool> …` in the top folder of the workspace.
    pub(crate) fn command(&self, program: PathBuf) -> Result<Command> {
        let mut command = Command::new(program);
        command.current_dir(muster_testkit::provision::workspace_dir()?);
        command.arg(self.name.trim_start_matches("cargo-"));
        Ok(command)
    }

    fn own(&self) -> Result<PathBuf> {
        Ok(dev_dir()?.join("tools").join(self.folder()).join("bin").join(self.name))
    }

    /// With the version in it: another one is another folder.
    fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    fn crate_version(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }
}
