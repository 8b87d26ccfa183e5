//! The worker: runs the workflows and activities of Muster.
#![expect(clippy::doc_markdown, reason = "doc comments of arguments are the help text")]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, health_check, health_server, lifecycle, telemetry};
use muster_worker::{Activities, Background, NoInterceptor, Queue, SettingArguments, Settings, run};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

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
    #[command(flatten)]
    settings: SettingArguments,
    /// Ask the worker that listens on WORKER_HOST and WORKER_PORT whether it is ready; exit with 0 if it is, 1 if not
    #[arg(long)]
    healthcheck: bool,
}

fn queue(name: &str) -> Result<Queue, String> {
    Queue::from_name(name).ok_or_else(|| "must be control, import, small, mail or webhooks".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = if arguments.healthcheck { health() } else { start(&arguments) };
    lifecycle::exit_code(ended.map(|()| ExitCode::SUCCESS))
}

fn health() -> anyhow::Result<()> {
    let config = Config::load()?;
    health_check::ask(config.worker_host, config.worker_port, false)
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let (config, settings) = match (Config::load(), Settings::read(&arguments.settings)) {
        (Ok(config), Ok(settings)) => (config, settings),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        (Err(config), Err(settings)) => anyhow::bail!("{config}; {settings}"),
    };
    let runtime = Runtime::new()?;
    let ended = runtime.block_on(serve(&config, &settings, &arguments.queues));
    telemetry::flush();
    // A look-up of a name may hang in a thread of its own; nobody waits for it any more.
    runtime.shutdown_background();
    ended
}

async fn serve(config: &Config, settings: &Settings, queues: &[Queue]) -> anyhow::Result<()> {
    telemetry::init(config, Role::Worker)?;
    let stop = lifecycle::stop_signal()?;
    let wired = wire::connect(config, Role::Worker)?;
    let address = SocketAddr::new(config.worker_host, config.worker_port);
    let activities = Activities::new(wired.app.clone()).counted_by(wired.sdk_metrics.as_ref());
    let metrics = wired.metrics(|registry| activities.metrics().register(registry));
    health_server::serve(address, wired.health.clone(), metrics, stop.clone()).await?;
    tokio::spawn(wired.keep_cache());
    if queues.contains(&Queue::Control) {
        tokio::spawn(wired.keep_watch());
    }
    let background = Background::start(&wired.app, queues, &stop);
    let all_queues = Queue::with_small(queues.to_vec());
    let work = async {
        let (temporal, namespace) = (&wired.temporal, &config.temporal.namespace);
        let intercept = || None::<NoInterceptor>;
        run(temporal, namespace, &all_queues, settings, &activities, intercept, stop.cancelled()).await?;
        background.ended().await;
        Ok(())
    };
    let ended = tokio::select! {
        refused = wired.guard() => Err(refused.into()),
        ended = work => ended,
        () = grace_is_over(&stop, settings.tuning.grace()) => {
            tracing::warn!("not everything has ended in time: Temporal gives it to another worker when it misses this one");
            Ok(())
        }
    };
    wired.leave_cache().await;
    ended
}

async fn grace_is_over(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    tokio::time::sleep(grace).await;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;
    use muster_bootstrap::config::settings::{self, ReadBy};

    use super::Arguments;

    #[test]
    fn variables_of_arguments_are_in_the_table_of_settings() {
        let command = Arguments::command();
        let read: BTreeSet<_> = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str()).collect();
        let known = settings::all().filter(|setting| setting.read_by == ReadBy::Arguments);
        assert_eq!(read, known.map(|setting| setting.name).collect());
    }
}
