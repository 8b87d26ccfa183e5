//! Programs in Python, in a folder of their own below `.dev`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{dev_dir, get, on_path, workspace_dir};
use crate::tools::{announce, output_of, remove_dir};

/// Schemathesis with exactly the versions of `e2e/schemathesis/requirements.txt`: a test that asks other things every
/// time somebody releases something says nothing about a change.
pub(super) fn schemathesis() -> Result<PathBuf> {
    let home = dev_dir()?.join("schemathesis");
    let program = home.join("bin/schemathesis");
    let wanted = workspace_dir()?.join("e2e/schemathesis/requirements.txt");
    let text = fs::read_to_string(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    // Written last, so that an installation that was cut is none.
    let stamp = home.join("requirements.txt");
    let is_there = || fs::read_to_string(&stamp).is_ok_and(|installed| installed == text);
    if is_there() {
        return Ok(program);
    }
    let _lock = get::lock("schemathesis")?;
    if is_there() {
        return Ok(program);
    }
    remove_dir(&home)?;
    make_venv(&home)?;
    announce("installing schemathesis with pip into .dev/schemathesis (missing, or of another version)");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    output_of(Command::new(home.join("bin/python")).args(pip).arg(&wanted))
        .context("schemathesis cannot be installed: see that pip reaches its package index (PIP_INDEX_URL)")?;
    fs::write(&stamp, text)?;
    Ok(program)
}

fn make_venv(home: &Path) -> Result<()> {
    let venv = |python: PathBuf| output_of(Command::new(python).args(["-m", "venv"]).arg(home));
    let made = on_path("python3").map(venv);
    if matches!(made, Some(Ok(_))) {
        return Ok(());
    }
    // No Python; or one without `venv`, which is a package of its own on Debian and its kin.
    remove_dir(home)?;
    get::package(&get::PYTHON, || false)?;
    let python = on_path("python3").context("Python was installed but `python3` is not on PATH: add it to PATH")?;
    venv(python)
        .map(drop)
        .context("Python 3.10 or later with its module `venv` is needed: install it and put it on PATH")
}
