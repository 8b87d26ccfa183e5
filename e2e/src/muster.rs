//! The command line of operators, run to its end.

use anyhow::{Context as _, Result};
use muster_testkit::stack::Stack;
use serde_json::Value;

/// How a command ended.
#[derive(Debug)]
pub struct Told {
    /// Its exit code.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
}

/// Runs `muster` with the environment of a stack.
pub fn muster(stack: &Stack, arguments: &[&str]) -> Result<Told> {
    let output = stack.muster()?.args(arguments).output()?;
    Ok(Told {
        code: output.status.code().context("muster was ended by a signal")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

/// The same where it prints JSON.
pub fn muster_json(stack: &Stack, arguments: &[&str]) -> Result<(i32, Value)> {
    let told = muster(stack, arguments)?;
    let value = serde_json::from_str(&told.stdout).with_context(|| format!("no JSON: {told:#?}"))?;
    Ok((told.code, value))
}
