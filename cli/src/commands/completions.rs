use std::io::{Write, stdout};

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// `muster completions`
#[derive(Args)]
pub(crate) struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut command: Command) -> anyhow::Result<()> {
        let name = command.get_name().to_owned();
        // Into memory first: what generates it cannot say that a pipe is closed.
        let mut script = Vec::new();
        generate(self.shell, &mut command, name, &mut script);
        stdout().write_all(&script).context("cannot write the completions")
    }
}
