//! `test`: every test, against real services.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use muster_testkit::{
    account::remove_home,
    database, pids,
    postgres::{Postgres, PostgresOptions},
    provision::{self, dev_dir},
    redis::Redis,
    stack, template,
    tools::announce,
};

use crate::{cargo, signals};

#[derive(Args)]
pub(crate) struct Options {
    /// Also runs the tests that are marked as ignored because they take long (sets `MUSTER_TEST_FULL=1`).
    #[arg(long)]
    full: bool,
    /// Runs only the tests whose names hold one of these.
    filters: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    provision::postgres()?;
    provision::redis()?;
    provision::temporal()?;
    // One test needs it, and gets it by itself when it is asked for by name.
    if options.filters.is_empty() {
        provision::schemathesis()?;
    }
    let bin = cargo::build_programs(false)?;

    let tests = dev_dir()?.join("test");
    fs::create_dir_all(&tests).with_context(|| format!("cannot create {}", tests.display()))?;
    stack::clean_stale(&tests)?;
    let home = tests.join(format!("shared-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    stack::claim(&home)?;

    // Until the tests run, Ctrl-C reaches only us.
    let template = database::TEMPLATE;
    let (postgres, redis) = signals::cleaning_up(
        || end(&home),
        || {
            let postgres = Postgres::start(&home, PostgresOptions::THROWAWAY)?;
            let redis = Redis::start(&home)?;
            postgres.create_database(template, None)?;
            template::migrate(&bin, &postgres.owner_url(template), &postgres.app_url(template))?;
            Ok((postgres, redis))
        },
    )?;
    announce("Postgres and Redis are ready; running the tests");

    let nextest = cargo::has_subcommand("nextest");
    let mut command = cargo::cargo()?;
    if nextest {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
        if options.full {
            command.args(["--run-ignored", "all"]);
        }
        command.args(&options.filters);
    } else {
        command.args(["test", "--workspace", "--no-fail-fast", "--"]);
        if options.full {
            command.arg("--include-ignored");
        }
        command.args(&options.filters);
    }
    let variables = [
        (database::ADMIN_URL, postgres.admin_url("postgres")),
        (database::OWNER_URL, postgres.owner_url(template)),
        (database::APP_URL, postgres.app_url(template)),
        (database::REDIS_URL, redis.url()),
        ("MUSTER_BIN_DIR", bin.display().to_string()),
        ("SQLX_OFFLINE", "true".to_owned()),
    ];
    command.envs(variables.clone());
    if options.full {
        command.env("MUSTER_TEST_FULL", "1");
    }
    // URLs of a stack that the shell has sourced must not reach tests.
    for name in
        ["DATABASE_URL", "ADMIN_DATABASE_URL", "TEMPORAL_ADDRESS", "SMTP_URL", "PORT", "WORKER_PORT", "MUSTER_STACK"]
    {
        command.env_remove(name);
    }
    let mut code = cargo::exit_code(signals::run_to_end(command)?);
    // nextest leaves the examples in the documentation to cargo.
    if nextest && options.filters.is_empty() && code == ExitCode::SUCCESS {
        let mut command = cargo::cargo()?;
        command.args(["test", "--workspace", "--doc", "--quiet"]).envs(variables);
        code = cargo::exit_code(signals::run_to_end(command)?);
    }
    drop(redis);
    drop(postgres);
    remove_home(&home)?;
    Ok(code)
}

/// Ends what was started for the tests, and removes it.
fn end(home: &Path) -> Result<()> {
    pids::end_all(&home.join("pids"))?;
    remove_home(home)
}
