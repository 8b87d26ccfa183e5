//! The command line of Muster.
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help text")]

mod commands;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
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
    /// Measure the way through Temporal to the workers and back (TEMPORAL_ADDRESS)
    Ping(commands::ping::Ping),
    /// Show who serves the task queues, what waits, and releases; promote a release (TEMPORAL_ADDRESS)
    Workers(commands::workers::Workers),
}

fn main() -> ExitCode {
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
        Command::Workers(command) => return command.run(),
    };
    done.map(|()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Arguments;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}
