use clap::Args;
use muster_bootstrap::wire::identity;
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
        let Self { temporal_address, temporal_namespace } = self;
        let config = config::temporal_from_environment(temporal_address, temporal_namespace)?;
        Ok(Temporal::new(TemporalOptions {
            address: config.address,
            namespace: config.namespace,
            access: config.access,
            identity: identity(command),
            keys: config::payload_keys()?,
        })?)
    }
}
