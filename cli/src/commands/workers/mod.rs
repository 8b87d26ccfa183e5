mod promote;
mod show;
mod stuck;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// `muster workers`
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Workers {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    show: show::Show,
}

#[derive(Subcommand)]
enum Command {
    /// Give new workflows to a release, or a share of them; those that run stay where they are
    Promote(promote::Promote),
}

impl Workers {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Some(Command::Promote(promote)) => promote.run().map(|()| ExitCode::SUCCESS),
            None => self.show.run(),
        }
    }
}
