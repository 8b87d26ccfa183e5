//! `lint`: every check that needs no running service, cheapest first; all failures at the end.

use std::{
    env,
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::Result;

use crate::{
    cargo::{cargo, has_subcommand},
    rules,
};

struct Step {
    name: &'static str,
    command: Command,
}

pub(crate) fn run() -> Result<ExitCode> {
    let mut steps = vec![step("fmt", &["fmt", "--all", "--check"])?, xtask("layers", &["layers"])?];
    for (name, tool, arguments) in [
        ("machete", "machete", &["machete"][..]),
        ("deny", "deny", &["deny", "--workspace", "check", "bans", "licenses", "sources"]),
    ] {
        if has_subcommand(tool) {
            steps.push(step(name, arguments)?);
        } else {
            println!("skipped  {name}: cargo-{tool} is not installed");
        }
    }
    match rules::promtool() {
        Ok(_) => steps.push(xtask("rules", &["rules"])?),
        Err(error) => println!("skipped  rules: {error:#}"),
    }
    steps.push(xtask("sqlx", &["sqlx", "--check"])?);
    steps.push(step("clippy", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?);
    let mut doc = step("doc", &["doc", "--workspace", "--no-deps", "--quiet"])?;
    doc.command.env("RUSTDOCFLAGS", "-D warnings");
    steps.push(doc);

    let mut failures = Vec::new();
    for Step { name, mut command } in steps {
        let begin = Instant::now();
        let output = command.env("CARGO_TERM_COLOR", "always").output()?;
        let verdict = if output.status.success() { "ok      " } else { "FAILED  " };
        println!("{verdict} {name} ({:.1} s)", begin.elapsed().as_secs_f64());
        if !output.status.success() {
            failures.push((name, output));
        }
    }
    for (name, output) in &failures {
        eprintln!(
            "\n── {name} ──\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    if failures.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let names: Vec<&str> = failures.iter().map(|(name, _)| *name).collect();
    eprintln!("error: failed: {}", names.join(", "));
    Ok(ExitCode::FAILURE)
}

fn step(name: &'static str, arguments: &[&str]) -> Result<Step> {
    let mut command = cargo()?;
    command.args(arguments);
    Ok(Step { name, command })
}

/// One of our own commands, as a process so that its output can be shown at the end.
fn xtask(name: &'static str, arguments: &[&str]) -> Result<Step> {
    let mut command = Command::new(env::current_exe()?);
    command.args(arguments);
    Ok(Step { name, command })
}
