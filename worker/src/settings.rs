use clap::Args;

use crate::parse::Problems;
use crate::release::{Release, ReleaseArguments};
use crate::tuning::{Tuning, TuningArguments};

/// What a worker is told besides its queues, as arguments or as variables.
#[derive(Debug, Clone, Default, Args)]
pub struct SettingArguments {
    #[command(flatten)]
    tuning: TuningArguments,
    #[command(flatten)]
    release: ReleaseArguments,
}

/// The same, read. The default is what a worker does that is told nothing.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How much it takes on.
    pub tuning: Tuning,
    /// Which release it is of.
    pub release: Release,
}

impl Settings {
    /// Reads the arguments.
    ///
    /// # Errors
    /// Every wrong value, all in one line.
    pub fn read(arguments: &SettingArguments) -> anyhow::Result<Self> {
        let mut problems = Problems::default();
        let settings = Self {
            tuning: Tuning::of(&arguments.tuning, &mut problems),
            release: Release::of(&arguments.release, &mut problems),
        };
        problems.finish().map(|()| settings)
    }
}
