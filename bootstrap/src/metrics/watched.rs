//! What is asked of others, now and then and whoever scrapes: outboxes in the database, task queues at the engine.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_application::ports::Clock;
use muster_infrastructure::postgres::{Pool, Waiting, waiting};
use muster_infrastructure::temporal::{QueueState, Temporal, queues};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use tokio::time::{MissedTickBehavior, interval};

/// How often others are asked: once between two scrapes.
const EVERY: Duration = Duration::from_secs(15);
/// States of operations among what waits.
const STATE: &str = "operations_";

/// What was found at the last look. What could not be asked is left out: an old value would look like a good one.
#[derive(Clone)]
pub(crate) struct Watched {
    clock: Arc<dyn Clock>,
    found: Arc<Found>,
}

#[derive(Default)]
struct Found {
    waiting: Mutex<Option<Vec<Waiting>>>,
    queues: Mutex<Option<Vec<QueueState>>>,
    failed: Family<At, Counter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    at: &'static str,
}

const DATABASE: At = At { at: "database" };
const ENGINE: At = At { at: "engine" };

impl Watched {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, found: Arc::default() }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        for at in [DATABASE, ENGINE] {
            drop(self.found.failed.get_or_create(&at));
        }
        let help = "Looks at outboxes (database) and task queues (engine) that failed";
        registry.register("muster_looks_failed", help, self.found.failed.clone());
        registry.register_collector(Box::new(self.clone()));
    }

    /// Looks for as long as it is polled.
    pub(crate) async fn keep(self, pool: Pool, temporal: Temporal) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (waiting, queues) = tokio::join!(waiting(&pool, self.clock.now()), queues(&temporal));
            self.note(DATABASE, &self.found.waiting, waiting);
            self.note(ENGINE, &self.found.queues, queues);
        }
    }

    fn note<T, E: std::error::Error>(&self, at: At, place: &Mutex<Option<T>>, looked: Result<T, E>) {
        if let Err(error) = &looked {
            tracing::debug!(at = at.at, error = %error, "what waits cannot be counted");
            self.found.failed.get_or_create(&at).inc();
        }
        *lock(place) = looked.ok();
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

impl Collector for Watched {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(found) = lock(&self.found.waiting).as_ref() {
            encode_waiting(&mut encoder, found, self.clock.now())?;
        }
        if let Some(found) = lock(&self.found.queues).as_ref() {
            encode_queues(&mut encoder, found)?;
        }
        Ok(())
    }
}

fn encode_waiting(encoder: &mut DescriptorEncoder<'_>, found: &[Waiting], now: DateTime<Utc>) -> fmt::Result {
    let help = "Operations of all tenants that have not ended, by state; counted up to 100000";
    let mut family = encoder.encode_descriptor("muster_operations", help, None, MetricType::Gauge)?;
    for (state, one) in found.iter().filter_map(|one| Some((one.what.strip_prefix(STATE)?, one))) {
        ConstGauge::new(number(one.count)).encode(family.encode_family(&[("state", state)])?)?;
    }
    let outboxes = || {
        found.iter().filter_map(|one| match one.what.strip_prefix(STATE) {
            None => Some((one.what.as_str(), one)),
            // They wait to be started; the others are no outbox.
            Some("queued") => Some(("operations", one)),
            Some(_) => None,
        })
    };
    let help = "What waits in Postgres for a worker, of all tenants; counted up to 100000";
    let mut family = encoder.encode_descriptor("muster_outbox_waiting", help, None, MetricType::Gauge)?;
    for (outbox, one) in outboxes() {
        ConstGauge::new(number(one.count)).encode(family.encode_family(&[("outbox", outbox)])?)?;
    }
    let help = "Seconds since anybody saw to the oldest of what waits; 0 if nothing does";
    let mut family = encoder.encode_descriptor("muster_outbox_oldest_age_seconds", help, None, MetricType::Gauge)?;
    for (outbox, one) in outboxes() {
        let age = one.since.and_then(|since| (now - since).to_std().ok()).unwrap_or_default();
        ConstGauge::new(age.as_secs_f64()).encode(family.encode_family(&[("outbox", outbox)])?)?;
    }
    Ok(())
}

fn encode_queues(encoder: &mut DescriptorEncoder<'_>, found: &[QueueState]) -> fmt::Result {
    let labels = |state: &QueueState| [("queue", state.queue), ("kind", state.kind.name())];
    let help = "Tasks that wait on a task queue, about; as the engine says";
    let mut family = encoder.encode_descriptor("muster_task_queue_backlog", help, None, MetricType::Gauge)?;
    for state in found {
        ConstGauge::new(number(state.backlog.tasks)).encode(family.encode_family(&labels(state))?)?;
    }
    let help = "Seconds that the oldest task of a queue has waited; as the engine says";
    let name = "muster_task_queue_backlog_age_seconds";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for state in found {
        ConstGauge::new(state.backlog.age.as_secs_f64()).encode(family.encode_family(&labels(state))?)?;
    }
    let help = "Workers that asked a task queue for work in the last minutes; as the engine says";
    let mut family = encoder.encode_descriptor("muster_task_queue_pollers", help, None, MetricType::Gauge)?;
    for state in found {
        let pollers = i64::try_from(state.pollers.len()).unwrap_or(i64::MAX);
        ConstGauge::new(pollers).encode(family.encode_family(&labels(state))?)?;
    }
    Ok(())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
