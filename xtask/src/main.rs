//! `cargo xtask`: everything a developer runs, in one program. `cargo xtask help` lists it.

mod advisories;
mod bench;
mod cargo;
mod demo;
mod down;
mod histories;
mod layers;
mod lint;
mod mail_server;
mod manifests;
mod sbom;
mod services;
mod signals;
mod sqlx;
mod test;
mod tools;
mod up;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Runs, tests and measures Muster. Gets what is missing and says so first.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the main job: starts everything, imports users from a CSV file, shows what came of it.
    ///
    /// Uses the stack that is up, or starts one and ends it on Ctrl-C.
    Demo(demo::Options),
    /// Starts Postgres, Redis, Temporal, a mail server, `api` and `worker`; writes `.dev/stack.env`.
    ///
    /// A service whose URL is in the environment is used as it is: `DATABASE_URL` with `ADMIN_DATABASE_URL`, `REDIS_URL`,
    /// `TEMPORAL_ADDRESS`, `SMTP_URL`.
    Up(up::Options),
    /// Ends what `up` started; data stays in `.dev`.
    Down,
    /// Runs every test against real services, or those whose names hold a filter.
    ///
    /// Starts Postgres and Redis for all tests; end-to-end tests start stacks of their own.
    Test(test::Options),
    /// Checks formatting, layers, `.sqlx`, clippy, docs and manifests, and licences, advisories and unused crates.
    ///
    /// What needs a tool that is not there is skipped, and said; where `CI` is set, cargo-deny is built.
    Lint,
    /// Checks which crate uses which, against the table in `ARCHITECTURE.md` and `xtask/src/layers.rs`.
    Layers,
    /// Checks the chart, the compose file and the Dockerfile; needs Go.
    Manifests,
    /// Looks for advisories about our crates; unlike `lint`, fails where their database cannot be fetched.
    Advisories,
    /// Writes what each program is made of, as `CycloneDX`, to `target/sbom`.
    Sbom,
    /// Writes `.sqlx`, by which SQL is checked without a database; with `--check` only compares.
    Sqlx(sqlx::Options),
    /// Measures, on a stack of its own with fsync on; writes JSON to `.dev/bench`.
    Bench(bench::Options),
    /// Records the histories of running workflows into `workflows/histories`, for the test that replays them.
    Histories,
    /// The mail server of `up`, which outlives it.
    #[command(hide = true)]
    MailServer(mail_server::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let done = match command {
        Command::Demo(options) => demo::run(&options),
        Command::Up(options) => up::run(&options),
        Command::Down => down::run(),
        Command::Test(options) => return retry_embedded(test::run(&options)),
        Command::Lint => return lint::run(),
        Command::Layers => layers::run(),
        Command::Manifests => return manifests::run(),
        Command::Advisories => return advisories::run(),
        Command::Sbom => return sbom::run(),
        Command::Sqlx(options) => sqlx::run(&options),
        Command::Bench(options) => return retry_embedded(bench::run(&options)),
        Command::Histories => return retry_embedded(histories::run()),
        Command::MailServer(options) => mail_server::run(&options),
    };
    retry_embedded(done.map(|()| ExitCode::SUCCESS))
}

/// Where no package manager brings Postgres: once more, built with the crate that downloads it.
fn retry_embedded(result: Result<ExitCode>) -> Result<ExitCode> {
    use muster_testkit::{provision::PostgresMissing, tools::announce};
    match result {
        Err(error) if !cfg!(feature = "embedded-postgres") && error.downcast_ref::<PostgresMissing>().is_some() => {
            announce(&format!("trying again with a downloaded Postgres ({error:#})"));
            let status = cargo::cargo()?
                .args(["run", "--quiet", "--package", "muster-xtask", "--features", "embedded-postgres", "--"])
                .args(std::env::args_os().skip(1))
                .status()?;
            Ok(cargo::exit_code(status))
        }
        result => result,
    }
}

/// Where the profile's programs are.
fn target_dir(profile: &str) -> Result<PathBuf> {
    let workspace = muster_testkit::provision::workspace_dir()?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), |dir| workspace.join(dir));
    Ok(target.join(profile))
}
