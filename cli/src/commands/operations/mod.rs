mod control;
mod list;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

/// `muster operations`
#[derive(clap::Args)]
pub(crate) struct Operations {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List operations, the latest first
    List(list::List),
    /// Show an operation: how far it is, what failed and why
    Show(show::Show),
    /// Stop an operation between two blocks, until somebody resumes it
    Pause(control::Pause),
    /// Let a paused operation go on
    Resume(control::Resume),
    /// End an operation where it is
    Cancel(control::Cancel),
    /// Take back what an operation did
    Undo(control::Undo),
}

impl Operations {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run().map(|()| ExitCode::SUCCESS),
            Command::Show(command) => command.run(),
            Command::Pause(command) => command.run(),
            Command::Resume(command) => command.run(),
            Command::Cancel(command) => command.run(),
            Command::Undo(command) => command.run(),
        }
    }
}
