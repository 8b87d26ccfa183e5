//! What is kept of a test that failed, for those who look for the reason: its stack goes with the next test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{temporal::Temporal, tools::remove_dir};

/// Failures that are kept: the latest.
const FAILURES: usize = 20;
/// Workflows whose histories are kept: those that began last.
const HISTORIES: &str = "20";

/// Copies the logs of a stack, and what its Temporal knows of its workflows, to a folder of its name in `failed`.
///
/// # Errors
/// When files cannot be written. That Temporal does not answer is none: it may be what failed.
pub fn keep(home: &Path, temporal: &Temporal, failed: &Path) -> Result<PathBuf> {
    let kept = failed.join(home.file_name().context("a stack has a name")?);
    fs::create_dir_all(&kept).with_context(|| format!("cannot create {}", kept.display()))?;
    for log in fs::read_dir(home.join("log"))?.flatten() {
        fs::copy(log.path(), kept.join(log.file_name()))?;
    }
    if let Err(error) = keep_histories(temporal, &kept) {
        fs::write(kept.join("no-histories.txt"), format!("{error:#}\n"))?;
    }
    forget_older(failed)?;
    Ok(kept)
}

fn keep_histories(temporal: &Temporal, kept: &Path) -> Result<()> {
    let list = temporal.cli(&["workflow", "list", "--limit", HISTORIES, "--output", "json"])?;
    fs::write(kept.join("workflows.json"), &list)?;
    for workflow in serde_json::from_str::<Vec<Value>>(&list)? {
        let text = |name| workflow.pointer(&format!("/execution/{name}")).and_then(Value::as_str);
        let (id, run) = (text("workflowId").context("no workflow id")?, text("runId").context("no run id")?);
        let history = temporal.cli(&["workflow", "show", "-w", id, "-r", run, "--output", "json"])?;
        fs::write(kept.join(format!("history-{run}.json")), history)?;
    }
    Ok(())
}

fn forget_older(failed: &Path) -> Result<()> {
    let mut all: Vec<_> = fs::read_dir(failed)?
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort_unstable();
    let many = all.len().saturating_sub(FAILURES);
    all.iter().take(many).try_for_each(|(_, folder)| remove_dir(folder))
}
