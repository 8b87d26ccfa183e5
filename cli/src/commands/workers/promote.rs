use anyhow::{Context, bail};
use clap::Args;
use muster_bootstrap::Temporal;
use muster_bootstrap::workers::{Promotion, promote};

use super::show::known;
use crate::commands::engine::Engine;

/// `muster workers promote`
#[derive(Args)]
pub(super) struct Promote {
    /// The release, as its workers have it in WORKER_BUILD_ID, or their version
    build_id: String,
    /// Give it only so many of a hundred new workflows, 0 to 100, until it is promoted without this
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    ramp: Option<f32>,
    /// Also if it does not serve all task queues that the current release serves, or has no workers yet
    #[arg(long)]
    force: bool,
    /// The worker deployment; needed if there are several [env: WORKER_DEPLOYMENT]
    #[arg(long)]
    deployment: Option<String>,
    #[command(flatten)]
    engine: Engine,
}

fn percent(text: &str) -> Result<f32, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "must be a number from 0 to 100".to_owned())
}

impl Promote {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let deployment = crate::commands::or_setting(self.deployment, "WORKER_DEPLOYMENT")?;
        let temporal = self.engine.temporal("workers")?;
        crate::commands::block_on(async {
            let deployment = the_only(&temporal, deployment).await?;
            let (build_id, ramp_percent) = (self.build_id.as_str(), self.ramp);
            let promotion = Promotion { deployment: &deployment, build_id, ramp_percent, force: self.force };
            promote(&temporal, promotion).await.with_context(|| format!("{deployment} {build_id}"))?;
            match ramp_percent {
                None => println!("{deployment} {build_id} is current: it gets all new workflows"),
                Some(percent) => println!("{deployment} {build_id} gets {percent} % of the new workflows"),
            }
            Ok(())
        })
    }
}

/// The deployment that was named, else the one that workers have told Temporal of.
async fn the_only(temporal: &Temporal, named: Option<String>) -> anyhow::Result<String> {
    if let Some(name) = named {
        return Ok(name);
    }
    let (_, deployments) = known(temporal, None).await?;
    match deployments.as_slice() {
        [one] => Ok(one.name.clone()),
        [] => bail!("no worker has WORKER_DEPLOYMENT: there are no releases to tell apart"),
        _ => bail!("there are several worker deployments: name one with --deployment"),
    }
}
