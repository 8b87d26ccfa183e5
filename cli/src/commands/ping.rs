use std::time::Duration;

use clap::Args;
use muster_bootstrap::ping_workers;
use serde_json::json;

use super::engine::Engine;

/// `muster ping`
#[derive(Args)]
pub(crate) struct Ping {
    /// How many workflows, one after another
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    engine: Engine,
}

impl Ping {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let temporal = self.engine.temporal("ping")?;
        let mut times: Vec<Duration> = super::block_on(async {
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
