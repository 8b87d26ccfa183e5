//! `rules`: alert rules, their tests and the expressions of dashboards, checked by Prometheus' own `promtool`.

mod dashboards;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::provision::{self, dev_dir, workspace_dir};
use serde_json::json;

/// Where Prometheus' files are.
const PROMETHEUS: &str = "deploy/prometheus";
/// Where Grafana's dashboards are.
const DASHBOARDS: &str = "deploy/grafana/dashboards";

/// The program, got first if it is nowhere.
pub(crate) fn promtool() -> Result<PathBuf> {
    provision::promtool().context("there is no promtool")
}

pub(crate) fn run() -> Result<ExitCode> {
    let program = match promtool() {
        Ok(program) => program,
        Err(error) => {
            println!("skipped  rules: {error:#}");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let home = workspace_dir()?;
    let (rules, tests) =
        (files(&home.join(PROMETHEUS).join("rules"), "yml")?, files(&home.join(PROMETHEUS).join("tests"), "yml")?);
    ask(Command::new(&program).args(["check", "rules"]).args(&rules))?;
    ask(Command::new(&program).args(["test", "rules"]).args(&tests))?;
    let dashboards = files(&home.join(DASHBOARDS), "json")?;
    let expressions = dashboards.iter().map(|file| dashboards::expressions(file)).collect::<Result<Vec<_>>>()?.concat();
    ask(Command::new(&program).args(["check", "rules"]).arg(as_rules(&expressions)?))?;
    println!(
        "rules: {} files of rules, {} of tests, {} expressions of {} dashboards are good",
        rules.len(),
        tests.len(),
        expressions.len(),
        dashboards.len()
    );
    Ok(ExitCode::SUCCESS)
}

/// Files of a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|found| found == ending));
    files.sort_unstable();
    Ok(files)
}

/// `promtool` reads expressions as parts of rules only. JSON is YAML to it.
fn as_rules(expressions: &[String]) -> Result<PathBuf> {
    let rules: Vec<_> = expressions
        .iter()
        .zip(0..)
        .map(|(expr, n): (_, u32)| json!({ "record": format!("panel:{n}"), "expr": expr }))
        .collect();
    let file = dev_dir()?.join("dashboards-as-rules.yml");
    fs::create_dir_all(dev_dir()?)?;
    fs::write(&file, json!({ "groups": [{ "name": "dashboards", "rules": rules }] }).to_string())?;
    Ok(file)
}

fn ask(command: &mut Command) -> Result<()> {
    let output = command.output().context("cannot run promtool")?;
    ensure!(
        output.status.success(),
        "promtool:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
