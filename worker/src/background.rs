//! What a worker does beside its task queues: it looks at lines in Postgres that single writes leave, because a workflow
//! for each of them would cost more than the write.

use std::time::Duration;

use muster_application::{App, AppError};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Queue;

/// How often lines are looked for: a user who was made while nothing else happens has their mail within two seconds.
/// Looking costs one query of an index that is empty most of the time.
const EVERY: Duration = Duration::from_millis(500);

/// What runs beside the task queues of a process.
#[derive(Debug)]
pub struct Background(TaskTracker);

impl Background {
    /// Starts what belongs to these queues. It ends between two steps once `stop` is cancelled.
    pub fn start(app: &App, queues: &[Queue], stop: &CancellationToken) -> Self {
        let tasks = TaskTracker::new();
        if queues.contains(&Queue::Mail) {
            tasks.spawn(relay_welcomes(app.clone(), Steps::until(stop)));
        }
        if queues.contains(&Queue::Webhooks) {
            tasks.spawn(relay_webhooks(app.clone(), Steps::until(stop)));
        }
        if queues.contains(&Queue::Control) {
            tasks.spawn(index_users(app.clone(), Steps::until(stop)));
        }
        tasks.close();
        Self(tasks)
    }

    /// Completes when all of it has ended.
    pub async fn ended(&self) {
        self.0.wait().await;
    }
}

/// Hands welcome mails that wait over to workflows.
async fn relay_welcomes(app: App, mut steps: Steps) {
    let mut outage = Outage::of("welcome mails have to wait");
    while steps.next().await {
        outage.heard(app.relay_welcomes().await);
    }
}

/// Hands webhooks that are due over to workflows.
async fn relay_webhooks(app: App, mut steps: Steps) {
    let mut outage = Outage::of("webhooks have to wait");
    while steps.next().await {
        // A round is bounded; what is left is not to wait for the next look.
        while outage.heard(app.relay_webhooks().await).is_some_and(|relayed| relayed.started + relayed.forgotten > 0)
            && steps.go_on()
        {}
    }
}

/// Brings the index of searches up to date.
async fn index_users(app: App, mut steps: Steps) {
    let mut outage = Outage::of("the index of searches falls behind");
    while steps.next().await {
        while outage.heard(app.index_users().await).is_some_and(|users| users > 0) && steps.go_on() {}
    }
}

/// When something is looked at again, if it is.
struct Steps {
    ticks: Interval,
    stop: CancellationToken,
}

impl Steps {
    fn until(stop: &CancellationToken) -> Self {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, stop: stop.clone() }
    }

    /// Waits for the next look; false if there is to be none.
    async fn next(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            _ = self.ticks.tick() => true,
        }
    }

    fn go_on(&self) -> bool {
        !self.stop.is_cancelled()
    }
}

/// Says once for each outage what it means: it is tried again for as long as it takes.
struct Outage {
    meaning: &'static str,
    is_known: bool,
}

impl Outage {
    const fn of(meaning: &'static str) -> Self {
        Self { meaning, is_known: false }
    }

    fn heard<T>(&mut self, outcome: Result<T, AppError>) -> Option<T> {
        match outcome {
            Ok(done) => {
                self.is_known = false;
                Some(done)
            }
            Err(error) => {
                if !self.is_known {
                    self.is_known = true;
                    tracing::warn!(error = &error as &dyn std::error::Error, "{}", self.meaning);
                }
                None
            }
        }
    }
}
