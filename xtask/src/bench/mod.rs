//! `bench`: figures for the promises of the README, on this machine. Not a test: nothing fails for being slow.

mod client;
mod copy;
mod fairness;
#[cfg(target_os = "linux")]
mod http;
mod import;
mod memory;
mod reminded_import;
mod reminders;
mod report;
mod search;
mod soak;

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use muster_testkit::{
    postgres::PostgresOptions,
    provision::dev_dir,
    stack::{Stack, StackOptions},
    temporal::Storage,
};

use crate::{cargo, signals};

/// Elsewhere figures would be missing or wrong.
const NEEDS_LINUX: &str =
    "`bench` needs Linux: memory and processor time come from /proc, and when an answer came from its kernel";

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
    /// Reads, lists and creates over HTTP, each against a handler that does only what cannot be left out.
    Http {
        /// Seconds of each run; each is repeated beside its baseline.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Small requests of one tenant beside large imports of another one, with fairness between tenants on and off.
    Fairness {
        /// Users that the large tenant imports, in one file and in twenty at once.
        #[arg(long, default_value_t = 1_000_000)]
        users: usize,
    },
    /// How late reminders of tasks come while others sleep, and what they cost a bulk insert.
    Reminders {
        /// Reminders that are not due.
        #[arg(long, default_value_t = 1_000_000)]
        sleeping: usize,
        /// Reminders that are due within a minute.
        #[arg(long, default_value_t = 10_000)]
        due: usize,
        /// Tenants among whom all of them are spread.
        #[arg(long, default_value_t = 1_000)]
        tenants: usize,
    },
    /// Reads, creates, imports and mails for a long time: whether memory, connections, files and latency stay what they are.
    Soak {
        /// How long.
        #[arg(long, default_value_t = 20)]
        minutes: u64,
    },
    /// Substring search over a million users of 50 tenants, one of which holds half.
    Search {
        /// Users of all tenants together.
        #[arg(long, default_value_t = 1_000_000)]
        users: usize,
    },
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    ensure!(cfg!(target_os = "linux"), NEEDS_LINUX);
    // The mail server and the data generator run in this process: unoptimised they would be what is measured.
    if cfg!(debug_assertions) {
        let status = cargo::cargo()?
            .args(["run", "--release", "--quiet", "--package", "muster-xtask", "--"])
            .args(std::env::args_os().skip(1))
            .status()?;
        return Ok(cargo::exit_code(status));
    }
    let bin = cargo::build_programs(true)?;
    let dir = dev_dir()?.join("bench");
    let home = dir.join("stack");
    let pids = home.join("pids");
    let clean_up = || muster_testkit::pids::end_all(&pids).map(drop);
    let (name, figures) = signals::cleaning_up(clean_up, || match options.what {
        What::Import { rows } => {
            let figures = import::measure(&start(&home, &bin)?, rows)?;
            report::print(&figures);
            Ok(("import", figures.json()))
        }
        #[cfg(not(target_os = "linux"))]
        What::Http { .. } => anyhow::bail!(NEEDS_LINUX),
        #[cfg(target_os = "linux")]
        What::Http { seconds } => {
            let baseline = cargo::build_example("muster-api", "baseline")?;
            let figures = http::measure(&start(&home, &bin)?, baseline, Duration::from_secs(seconds))?;
            http::print(&figures);
            Ok(("http", http::json(&figures)))
        }
        What::Fairness { users } => {
            let mut figures = Vec::new();
            for fair in [true, false] {
                let stack = Stack::start(StackOptions { fair, ..stack(&home, &bin) })?;
                figures.push(fairness::measure(&stack, users, fair)?);
            }
            fairness::print(&figures);
            Ok(("fairness", fairness::json(&figures)))
        }
        What::Reminders { sleeping, due, tenants } => {
            let asked = reminders::Asked { sleeping, due, tenants };
            let figures = reminders::measure(&start(&home, &bin)?, asked)?;
            reminders::print(&figures);
            Ok(("reminders", reminders::json(&figures)))
        }
        What::Soak { minutes } => {
            let figures = soak::measure(&start(&home, &bin)?, Duration::from_mins(minutes))?;
            soak::print(&figures);
            Ok(("soak", soak::json(&figures)))
        }
        What::Search { users } => {
            let figures = search::measure(&start(&home, &bin)?, users)?;
            search::print(&figures);
            Ok(("search", search::json(&figures)))
        }
    })?;
    let file = dir.join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_string_pretty(&figures)?)?;
    println!("\nAs JSON: {}", file.display());
    Ok(ExitCode::SUCCESS)
}

/// A stack of its own: durable Postgres, Temporal in memory as the targets have it.
fn start(home: &Path, bin: &Path) -> Result<Stack> {
    Stack::start(stack(home, bin))
}

fn stack(home: &Path, bin: &Path) -> StackOptions {
    StackOptions {
        mail_dir: Some(home.join("mail")),
        home: home.to_owned(),
        bin: bin.to_owned(),
        postgres: PostgresOptions::DURABLE,
        cached: false,
        temporal: Storage::Memory,
        fair: true,
    }
}
