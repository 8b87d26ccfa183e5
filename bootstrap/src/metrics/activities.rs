use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper ends of the buckets, in seconds: from a look that finds nothing to an export of a million users.
const BUCKETS: [f64; 12] = [0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0];

/// How an attempt at an activity has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityOutcome {
    /// It is done.
    Completed,
    /// It is tried again, if attempts are left.
    Retried,
    /// It has failed for good.
    Failed,
    /// It was no longer wanted.
    Cancelled,
}

impl ActivityOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Attempts at activities. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ActivityMetrics {
    durations: Family<Attempt, Histogram, fn() -> Histogram>,
    retries: Family<Activity, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempt {
    activity: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Activity {
    activity: String,
}

impl Default for ActivityMetrics {
    fn default() -> Self {
        Self { durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)), retries: Family::default() }
    }
}

impl ActivityMetrics {
    /// Makes them part of what can be scraped.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Seconds that attempts at activities took, by how they ended; each attempt counts";
        registry.register("muster_activity_duration_seconds", help, self.durations.clone());
        let help = "Attempts at activities that were not the first";
        registry.register("muster_activity_retries", help, self.retries.clone());
    }

    /// An attempt has ended.
    pub fn observe(&self, activity: &str, is_first: bool, outcome: ActivityOutcome, took: Duration) {
        let attempt = Attempt { activity: activity.to_owned(), outcome: outcome.name() };
        self.durations.get_or_create(&attempt).observe(took.as_secs_f64());
        if !is_first {
            self.retries.get_or_create(&Activity { activity: activity.to_owned() }).inc();
        }
    }
}
