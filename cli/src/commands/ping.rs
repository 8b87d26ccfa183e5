use std::time::Duration;

use clap::Args;
use muster_bootstrap::{Temporal, TemporalOptions, config, ping_workers};
use serde_json::json;

/// `muster ping`
#[derive(Args)]
pub(crate) struct Ping {
    /// How many workflows, one after another
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Temporal's frontend, localhost:7233 otherwise [env: TEMPORAL_ADDRESS, else TEMPORAL_HOST]
    #[arg(long)]
    temporal_address: Option<String>,
    /// The namespace, `default` otherwise [env: TEMPORAL_NAMESPACE]
    #[arg(long)]
    temporal_namespace: Option<String>,
}

impl Ping {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let address = super::or_setting(self.temporal_address, &["TEMPORAL_ADDRESS", "TEMPORAL_HOST"])?;
        let namespace = super::or_setting(self.temporal_namespace, &["TEMPORAL_NAMESPACE"])?;
        let keys = config::payload_keys()?;
        let mut times: Vec<Duration> = super::block_on(async {
            let temporal = Temporal::new(TemporalOptions {
                address: address.unwrap_or_else(|| "localhost:7233".to_owned()),
                namespace: namespace.unwrap_or_else(|| "default".to_owned()),
                identity: format!("muster-ping@{}", std::process::id()),
                keys,
            })?;
            let mut times = Vec::new();
            for _ in 0..self.count {
                times.push(ping_workers(&temporal).await?);
            }
            Ok(times)
        })?;
        times.sort_unstable();
        let millis = |percent: usize| {
            let index = (times.len().saturating_sub(1)) * percent / 100;
            times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
        };
        let (p50, p95) = (millis(50), millis(95));
        if self.json {
            println!("{}", json!({ "count": self.count, "p50_ms": p50, "p95_ms": p95 }));
        } else {
            println!("{} workflows: p50 {p50:.1} ms, p95 {p95:.1} ms", self.count);
        }
        Ok(())
    }
}
