//! `bench`: figures for the promises of the README, on this machine. Not a test: nothing fails for being slow.

mod client;
mod copy;
mod import;
mod memory;
mod report;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Args, Subcommand};
use muster_testkit::{
    postgres::PostgresOptions,
    provision::dev_dir,
    stack::{Stack, StackOptions},
    temporal::Storage,
};

use crate::{cargo, signals};

#[derive(Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Bulk import against Postgres' own COPY of the same rows; small batches; mails; memory; history size.
    Import {
        /// Rows of the largest import; 10 000 and 100 000 are measured too when they are smaller. Up to 100 000 rows
        /// the median of three imports counts.
        #[arg(long, default_value_t = 1_000_000)]
        rows: usize,
    },
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    // The mail server and the data generator run in this process: unoptimised they would be what is measured.
    if cfg!(debug_assertions) {
        let status = cargo::cargo()?
            .args(["run", "--release", "--quiet", "--package", "muster-xtask", "--"])
            .args(std::env::args_os().skip(1))
            .status()?;
        return Ok(cargo::exit_code(status));
    }
    let What::Import { rows } = options.what;
    let bin = cargo::build_programs(true)?;
    let dir = dev_dir()?.join("bench");
    let home = dir.join("stack");
    let pids = home.join("pids");
    let clean_up = || muster_testkit::pids::end_all(&pids).map(drop);
    let figures = signals::cleaning_up(clean_up, || measure(home, bin, rows))?;
    report::print(&figures);
    let file = dir.join("import.json");
    std::fs::write(&file, serde_json::to_string_pretty(&figures.json())?)?;
    println!("\nAs JSON: {}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// On a stack of its own: durable Postgres, Temporal in memory as the targets have it.
fn measure(home: PathBuf, bin: PathBuf, rows: usize) -> Result<import::Figures> {
    let stack = Stack::start(StackOptions {
        mail_dir: Some(home.join("mail")),
        home,
        bin,
        postgres: PostgresOptions::DURABLE,
        cached: false,
        temporal: Storage::Memory,
    })?;
    import::measure(&stack, rows)
}
