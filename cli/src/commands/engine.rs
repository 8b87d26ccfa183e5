use clap::Args;
use muster_bootstrap::{Temporal, TemporalOptions, config};

/// Where Temporal is.
#[derive(Args)]
pub(crate) struct Engine {
    /// Temporal's frontend, localhost:7233 otherwise [env: TEMPORAL_ADDRESS, else TEMPORAL_HOST]
    #[arg(long)]
    temporal_address: Option<String>,
    /// The namespace, `default` otherwise [env: TEMPORAL_NAMESPACE]
    #[arg(long)]
    temporal_namespace: Option<String>,
}

impl Engine {
    /// Temporal, for a command of this name.
    pub(crate) fn temporal(self, command: &str) -> anyhow::Result<Temporal> {
        let address = super::or_setting(self.temporal_address, &["TEMPORAL_ADDRESS", "TEMPORAL_HOST"])?;
        let namespace = super::or_setting(self.temporal_namespace, &["TEMPORAL_NAMESPACE"])?;
        Ok(Temporal::new(TemporalOptions {
            address: address.unwrap_or_else(|| "localhost:7233".to_owned()),
            namespace: namespace.unwrap_or_else(|| "default".to_owned()),
            identity: format!("muster-{command}@{}", std::process::id()),
            keys: config::payload_keys()?,
        })?)
    }
}
