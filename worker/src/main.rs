//! The worker: runs the workflows and activities of Muster.
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help text")]

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, health_check, health_server, lifecycle, telemetry};
use muster_worker::{Activities, NoInterceptor, Queue, index_users, relay_webhooks, relay_welcomes, run};

/// Runs the workflows and activities of Muster.
///
/// Configuration comes from the environment: DATABASE_URL is required; TEMPORAL_ADDRESS, SMTP_URL, WORKER_PORT and all
/// others are in docs/operate/configuration.md.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Task queues to serve: control, import (and with it small), small, mail, webhooks. Scale each alone by giving some
    /// workers only some.
    #[arg(long, env = "WORKER_QUEUES", value_delimiter = ',', value_parser = queue, default_value = "control,import,mail,webhooks")]
    queues: Vec<Queue>,
    /// Ask the worker that listens on WORKER_HOST and WORKER_PORT whether it is ready; exit with 0 if it is, 1 if not
    #[arg(long)]
    healthcheck: bool,
}

fn queue(name: &str) -> Result<Queue, String> {
    Queue::from_name(name).ok_or_else(|| "must be control, import, small, mail or webhooks".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = if arguments.healthcheck { health() } else { serve(&arguments) };
    lifecycle::exit_code(ended.map(|()| ExitCode::SUCCESS))
}

fn health() -> anyhow::Result<()> {
    let config = Config::load()?;
    health_check::ask(config.worker_host, config.worker_port, false)
}

#[tokio::main]
async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load()?;
    telemetry::init(&config)?;
    let wired = wire::connect(&config, Role::Worker)?;
    let address = SocketAddr::new(config.worker_host, config.worker_port);
    health_server::serve(address, wired.health.clone(), wired.metrics(|_| {})).await?;
    tokio::spawn(wired.keep_cache());
    let activities = Activities::new(wired.app.clone());
    let queues = Queue::with_small(arguments.queues.clone());
    if arguments.queues.contains(&Queue::Mail) {
        tokio::spawn(relay_welcomes(wired.app.clone()));
    }
    if arguments.queues.contains(&Queue::Webhooks) {
        tokio::spawn(relay_webhooks(wired.app.clone()));
    }
    if arguments.queues.contains(&Queue::Control) {
        tokio::spawn(index_users(wired.app.clone()));
    }
    let stop = async {
        if let Err(error) = lifecycle::shutdown_signal().await {
            tracing::error!("signals cannot be heard: {error}");
        }
    };
    let namespace = &config.temporal_namespace;
    let ended = tokio::select! {
        refused = wired.guard() => Err(refused.into()),
        ended = run(&wired.temporal, namespace, &queues, &activities, || None::<NoInterceptor>, stop) => ended,
    };
    wired.leave_cache().await;
    ended
}
