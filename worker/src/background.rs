//! What a worker does beside its task queues: it looks at lines in Postgres that single writes leave, because a workflow
//! for each of them would cost more than the write.

use std::time::Duration;

use muster_application::{App, AppError};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often lines are looked for: a user who was made while nothing else happens has their mail within two seconds.
/// Looking costs one query of an index that is empty most of the time.
const EVERY: Duration = Duration::from_millis(500);

/// Hands welcome mails that wait over to workflows, for as long as it is polled.
pub async fn relay_welcomes(app: App) {
    let (mut ticks, mut outage) = (ticks(), Outage::of("welcome mails have to wait"));
    loop {
        ticks.tick().await;
        outage.heard(app.relay_welcomes().await);
    }
}

/// Hands webhooks that are due over to workflows, for as long as it is polled.
pub async fn relay_webhooks(app: App) {
    let (mut ticks, mut outage) = (ticks(), Outage::of("webhooks have to wait"));
    loop {
        ticks.tick().await;
        // A round is bounded; what is left is not to wait for the next look.
        while outage.heard(app.relay_webhooks().await).is_some_and(|relayed| relayed.started + relayed.forgotten > 0) {}
    }
}

/// Brings the index of searches up to date, for as long as it is polled.
pub async fn index_users(app: App) {
    let (mut ticks, mut outage) = (ticks(), Outage::of("the index of searches falls behind"));
    loop {
        ticks.tick().await;
        while outage.heard(app.index_users().await).is_some_and(|users| users > 0) {}
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
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
