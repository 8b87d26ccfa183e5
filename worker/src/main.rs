//! The worker: runs the workflows and activities of Muster.

use std::net::SocketAddr;

use clap::Parser;
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, health_server, lifecycle, telemetry};
use muster_worker::{Activities, Queue, run};
use temporalio_sdk::interceptors::ActivityInboundInterceptor;

/// Runs the workflows and activities of Muster. Configuration comes from the environment: see the README.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Task queues to serve: control, import, mail. Scale each alone by giving some workers only some.
    #[arg(long, env = "WORKER_QUEUES", value_delimiter = ',', value_parser = queue, default_value = "control,import,mail")]
    queues: Vec<Queue>,
}

fn queue(name: &str) -> Result<Queue, String> {
    Queue::from_name(name).ok_or_else(|| "must be control, import or mail".to_owned())
}

/// No interceptor outside tests.
enum Never {}

impl ActivityInboundInterceptor for Never {}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = Config::load()?;
    telemetry::init(&config)?;
    let wired = wire::connect(&config, Role::Worker)?;
    health_server::serve(SocketAddr::new(config.worker_host, config.worker_port), wired.health.clone()).await?;
    let activities = Activities::new(wired.app.clone());
    let stop = async {
        if let Err(error) = lifecycle::shutdown_signal().await {
            tracing::error!("signals cannot be heard: {error}");
        }
    };
    let namespace = &config.temporal_namespace;
    tokio::select! {
        refused = wired.guard() => Err(refused.into()),
        ended = run(&wired.temporal, namespace, &arguments.queues, &activities, || None::<Never>, stop) => ended,
    }
}
