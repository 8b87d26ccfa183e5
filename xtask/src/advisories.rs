//! `advisories`: what is known to be wrong with the crates that we use.

use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::{cargo::exit_code, tools::DENY};

pub(crate) fn run() -> Result<ExitCode> {
    let mut deny = DENY.command(DENY.get()?)?;
    let status = deny.args(["--workspace", "check", "advisories"]).status().context("cannot run cargo-deny")?;
    Ok(exit_code(status))
}
