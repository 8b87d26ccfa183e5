//! Temporal behind the workflow port.

mod connect;
mod gateway;
mod ping;
mod queues;
mod schedule;
mod sdk_metrics;
mod tenant_schedule;

pub use connect::{Temporal, TemporalError, TemporalOptions};
pub use ping::ping_workers;
pub use queues::{Backlog, Poller, QueueState, TaskKind, queues};
pub use schedule::prepare_namespace;
pub use sdk_metrics::SdkMetrics;
