//! Prometheus' own tool for rules and metrics.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::{dev_dir, get, on_path};
use crate::tools::{announce, output_of, remove_dir};

/// What Go builds where there is no Debian package.
const MODULE: &str = "github.com/prometheus/prometheus/cmd/promtool@v0.305.0";

/// The program if it is there already.
pub(super) fn find() -> Result<Option<PathBuf>> {
    let own = dev_dir()?.join("bin/promtool");
    Ok(on_path("promtool").or_else(|| Some(own).filter(|file| file.is_file())))
}

/// Out of Debian's package, which is only unpacked: nothing is installed, and no server starts. Else built by Go.
pub(super) fn promtool() -> Result<PathBuf> {
    if let Some(found) = find()? {
        return Ok(found);
    }
    let _lock = get::lock("promtool")?;
    if let Some(found) = find()? {
        return Ok(found);
    }
    let bin = dev_dir()?.join("bin");
    fs::create_dir_all(&bin)?;
    let unpacked = if on_path("apt-get").is_some() { unpack(&bin) } else { bail_out() };
    if let Err(error) = unpacked {
        let go = get::go().context(error)?;
        announce("building promtool with `go install` (once; takes some minutes)");
        output_of(Command::new(go).args(["install", MODULE]).env("GOBIN", &bin))?;
    }
    find()?.context("what was fetched holds no promtool")
}

fn bail_out() -> Result<()> {
    bail!("put `promtool` of Prometheus on PATH, or install Go")
}

fn unpack(bin: &Path) -> Result<()> {
    announce("unpacking promtool from the Debian package prometheus (missing: promtool)");
    let draft = bin.join("promtool-draft");
    remove_dir(&draft)?;
    fs::create_dir_all(&draft)?;
    output_of(Command::new("apt-get").args(["download", "-q", "prometheus"]).current_dir(&draft))?;
    let package = fs::read_dir(&draft)?.next().context("nothing was downloaded")??.path();
    output_of(Command::new("dpkg-deb").arg("-x").arg(package).arg(&draft))?;
    fs::rename(draft.join("usr/bin/promtool"), bin.join("promtool")).context("the package holds no promtool")?;
    remove_dir(&draft)
}
