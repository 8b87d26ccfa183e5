use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use muster_bootstrap::Temporal;
use muster_bootstrap::workers::{Deployment, Poller, QueueState, Version, VersionState, deployment, queues};
use serde_json::{Value, json};

use super::stuck::stuck;
use crate::commands::engine::Engine;
use crate::table::table;

/// How `muster workers` ends when something waits that nobody asks for.
const STUCK: u8 = 3;

/// `muster workers` without a command: who serves which task queue, what waits, and which releases there are
#[derive(Args)]
pub(super) struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The worker deployment; those of the task queues otherwise [env: WORKER_DEPLOYMENT]
    #[arg(long)]
    deployment: Option<String>,
    #[command(flatten)]
    engine: Engine,
}

impl Show {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let named = crate::commands::or_setting(self.deployment, "WORKER_DEPLOYMENT")?;
        let temporal = self.engine.temporal("workers")?;
        let (queues, deployments) = crate::commands::block_on(known(&temporal, named))?;
        let stuck = stuck(&queues, &deployments);
        if self.json {
            let queues: Vec<_> = queues.iter().map(queue_json).collect();
            let deployments: Vec<_> = deployments.iter().map(deployment_json).collect();
            println!("{:#}", json!({ "queues": queues, "deployments": deployments, "stuck": stuck }));
        } else {
            print!("{}", text(&queues, &deployments, now()));
            for line in &stuck {
                eprintln!("{line}");
            }
        }
        Ok(if stuck.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(STUCK) })
    }
}

/// How the task queues are, and the deployments that they or their workers name.
pub(super) async fn known(
    temporal: &Temporal,
    given: Option<String>,
) -> anyhow::Result<(Vec<QueueState>, Vec<Deployment>)> {
    let queues = queues(temporal).await?;
    let mut names: BTreeSet<_> = given.into_iter().collect();
    names.extend(queues.iter().filter_map(|queue| queue.deployment.clone()));
    names.extend(queues.iter().flat_map(|queue| queue.pollers.iter().filter_map(|poller| poller.deployment.clone())));
    let mut deployments = Vec::new();
    for name in names {
        deployments.extend(deployment(temporal, &name).await?);
    }
    Ok((queues, deployments))
}

#[expect(clippy::disallowed_methods, reason = "a program of its own, with no clock to be moved")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn text(queues: &[QueueState], deployments: &[Deployment], now: DateTime<Utc>) -> String {
    let mut tables = vec![queue_table(queues)];
    let workers = workers(queues);
    if !workers.is_empty() {
        tables.push(worker_table(&workers, now));
    }
    tables.extend(deployments.iter().map(deployment_table));
    tables.join("\n\n") + "\n"
}

fn queue_table(queues: &[QueueState]) -> String {
    let headers = ["TASK QUEUE", "KIND", "WORKERS", "WAITING", "OLDEST", "IN/S", "OUT/S", "LIMIT/S"];
    // Some task queues have activities only: a side that nobody serves and nothing waits on is left out if the other is served.
    let is_served = |name: &str| queues.iter().any(|queue| queue.queue == name && !queue.pollers.is_empty());
    let used =
        queues.iter().filter(|queue| !queue.pollers.is_empty() || queue.backlog.tasks > 0 || !is_served(queue.queue));
    let rows = used.map(|queue| {
        let backlog = queue.backlog;
        let oldest = if backlog.tasks == 0 { "-".to_owned() } else { seconds(backlog.age.as_secs()) };
        vec![
            queue.queue.to_owned(),
            queue.kind.name().to_owned(),
            queue.pollers.len().to_string(),
            backlog.tasks.to_string(),
            oldest,
            format!("{:.1}", backlog.added_per_second),
            format!("{:.1}", backlog.dispatched_per_second),
            queue.limit_per_second.map_or_else(|| "-".to_owned(), |limit| limit.to_string()),
        ]
    });
    table(&headers, rows.collect())
}

/// Each worker, by what it calls itself, with its last look at any queue and all queues it looks at.
fn workers(queues: &[QueueState]) -> BTreeMap<&str, (Poller, BTreeSet<&str>)> {
    let mut workers = BTreeMap::new();
    for queue in queues {
        for poller in &queue.pollers {
            let (known, served) =
                workers.entry(poller.identity.as_str()).or_insert_with(|| (poller.clone(), BTreeSet::new()));
            known.last_seen = known.last_seen.max(poller.last_seen);
            served.insert(short(queue.queue));
        }
    }
    workers
}

fn worker_table(workers: &BTreeMap<&str, (Poller, BTreeSet<&str>)>, now: DateTime<Utc>) -> String {
    let rows = workers.values().map(|(poller, served)| {
        let ago = poller.last_seen.and_then(|seen| u64::try_from((now - seen).num_seconds()).ok()).unwrap_or_default();
        vec![poller.identity.clone(), release(poller), format!("{} ago", seconds(ago)), joined(served)]
    });
    table(&["WORKER", "RELEASE", "LAST SEEN", "TASK QUEUES"], rows.collect())
}

fn deployment_table(deployment: &Deployment) -> String {
    let rows = deployment.versions.iter().map(|version| {
        let waiting: u64 = version.queues.iter().map(|(_, _, backlog)| backlog.tasks).sum();
        let served: BTreeSet<_> = version.queues.iter().map(|(queue, ..)| short(queue)).collect();
        let state = match version.state {
            VersionState::Ramping => format!("ramping, {} %", deployment.ramp_percent),
            state => state.name().to_owned(),
        };
        vec![
            format!("{} {}", deployment.name, version.build_id),
            state,
            instant(version.since).unwrap_or_else(|| "-".to_owned()),
            waiting.to_string(),
            joined(&served),
        ]
    });
    table(&["RELEASE", "STATE", "SINCE", "WAITING", "TASK QUEUES"], rows.collect())
}

fn release(poller: &Poller) -> String {
    match &poller.deployment {
        Some(deployment) => format!("{deployment} {}", poller.build_id),
        None => poller.build_id.clone(),
    }
}

fn short(queue: &str) -> &str {
    queue.strip_prefix("muster-").unwrap_or(queue)
}

fn joined(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

fn seconds(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn instant(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

fn queue_json(queue: &QueueState) -> Value {
    let poller = |poller: &Poller| {
        let Poller { identity, last_seen, deployment, build_id } = poller;
        json!({ "identity": identity, "last_seen": instant(*last_seen), "deployment": deployment, "build_id": build_id })
    };
    json!({
        "queue": queue.queue,
        "kind": queue.kind.name(),
        "pollers": queue.pollers.iter().map(poller).collect::<Vec<_>>(),
        "backlog": queue.backlog.tasks,
        "backlog_age_seconds": queue.backlog.age.as_secs_f64(),
        "added_per_second": queue.backlog.added_per_second,
        "dispatched_per_second": queue.backlog.dispatched_per_second,
        "limit_per_second": queue.limit_per_second,
    })
}

fn deployment_json(deployment: &Deployment) -> Value {
    let version = |version: &Version| {
        let queues = version
            .queues
            .iter()
            .map(|(queue, kind, backlog)| json!({ "queue": queue, "kind": kind.name(), "backlog": backlog.tasks }));
        json!({
            "build_id": version.build_id,
            "state": version.state.name(),
            "since": instant(version.since),
            "queues": queues.collect::<Vec<_>>(),
        })
    };
    json!({
        "name": deployment.name,
        "ramp_percent": deployment.ramp_percent,
        "versions": deployment.versions.iter().map(version).collect::<Vec<_>>(),
    })
}
