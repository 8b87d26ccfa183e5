//! `lint`: every check that needs no running service, cheapest first; all failures at the end.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::Result;

use crate::{
    cargo::cargo,
    manifests,
    tools::{DENY, MACHETE, Tool},
};

struct Step {
    name: &'static str,
    command: Command,
}

pub(crate) fn run() -> Result<ExitCode> {
    let mut steps = vec![step("fmt", &["fmt", "--all", "--check"])?, xtask("layers", &["layers"])?];
    if let Some(program) = installed("machete", &MACHETE)? {
        steps.push(Step { name: "machete", command: MACHETE.command(program)? });
    }
    if let Some(program) = built("deny", &DENY)? {
        let deny = |arguments: &[&str]| -> Result<Command> {
            let mut command = DENY.command(program.clone())?;
            command.args(["--workspace"]).args(arguments);
            Ok(command)
        };
        steps.push(Step { name: "deny", command: deny(&["check", "bans", "licenses", "sources"])? });
        // A git repository elsewhere, which is not reachable from everywhere.
        if fetched(deny(&["fetch", "db"])?)? {
            steps.push(Step { name: "advisories", command: deny(&["check", "--disable-fetch", "advisories"])? });
        } else {
            println!("skipped  advisories: their database cannot be fetched");
        }
    }
    match manifests::go() {
        Some(go) => steps.push(Step { name: "manifests", command: manifests::command(&go)? }),
        None => println!("skipped  manifests: {}", manifests::SKIPPED),
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

/// A tool that is on this machine.
fn installed(step: &str, tool: &Tool) -> Result<Option<PathBuf>> {
    let found = tool.find()?;
    if found.is_none() {
        println!("skipped  {step}: {}", tool.hint());
    }
    Ok(found)
}

/// The same; where `CI` is set it is built. Elsewhere nobody waits for that unasked.
fn built(step: &str, tool: &Tool) -> Result<Option<PathBuf>> {
    if env::var_os("CI").is_some() { tool.get().map(Some) } else { installed(step, tool) }
}

/// Whether git could get what was asked for; it gives up on a network that answers nothing.
fn fetched(mut command: Command) -> Result<bool> {
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_HTTP_LOW_SPEED_LIMIT", "1").env("GIT_HTTP_LOW_SPEED_TIME", "20");
    Ok(command.output()?.status.success())
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
