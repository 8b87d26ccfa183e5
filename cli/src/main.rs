//! The command line of Muster.
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help text")]

mod commands;
mod table;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use muster_bootstrap::lifecycle;

/// Create, change and remove users by the hundred thousand, durably.
///
/// Settings come from the environment; `muster <COMMAND> --help` names those that a command needs.
#[derive(Parser)]
#[command(name = "muster", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema up to date, as its owner (ADMIN_DATABASE_URL)
    Migrate(commands::migrate::Migrate),
    /// Print a token for a tenant, signed with the configured key (JWT_…)
    Token(commands::token::Token),
    /// Import users, or tasks, from a CSV, NDJSON or JSON file and watch the progress (API_URL, TENANT_TOKEN)
    Import(commands::import::Import),
    /// Export users to a CSV or NDJSON file, as they all are at one moment (API_URL, TENANT_TOKEN)
    Export(commands::export::Export),
    /// Make and change clients of the partner API (DATABASE_URL and PARTNER_SECRET_KEY, as the API has them)
    Partner(commands::partner::Partner),
    /// List operations, show, pause, resume, cancel and undo them (API_URL, TENANT_TOKEN)
    Operations(commands::operations::Operations),
    /// Look whether everything that api and worker need is there, and say how to mend what is not (their settings)
    Check(commands::check::Check),
    /// Show the settings of api and worker as they are now, and where each came from; no secrets
    Config(commands::settings::Settings),
    /// Replay recorded histories of workflows with the code of this release
    Replay(commands::replay::Replay),
    /// Print what completes the arguments of muster in a shell
    Completions(commands::completions::Completions),
    /// Measure the way through Temporal to the workers and back (TEMPORAL_ADDRESS)
    Ping(commands::ping::Ping),
    /// Show who serves the task queues, what waits, and releases; promote a release (TEMPORAL_ADDRESS)
    Workers(commands::workers::Workers),
}

fn main() -> ExitCode {
    sigpipe::reset();
    lifecycle::exit_code(run(Arguments::parse().command))
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Migrate(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Import(command) => return command.run(),
        Command::Export(command) => return command.run(),
        Command::Partner(command) => command.run(),
        Command::Ping(command) => command.run(),
        Command::Operations(command) => return command.run(),
        Command::Check(command) => return command.run(),
        Command::Config(command) => return Ok(command.run()),
        Command::Replay(command) => return command.run(),
        Command::Completions(command) => command.run(Arguments::command()),
        Command::Workers(command) => return command.run(),
    };
    done.map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Arguments;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
