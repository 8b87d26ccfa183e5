//! Temporal behind the workflow port.

mod access;
mod check;
mod codec;
mod connect;
mod deployment;
mod gateway;
mod ping;
mod queues;
mod reseal;
mod schedule;
mod sdk_metrics;
mod tenant_schedule;

pub use access::{TemporalAccess, TemporalApiKey, TemporalTls};
pub use check::check;
pub use codec::{CodecError, PayloadKeys, data_converter};
pub use connect::{Temporal, TemporalError, TemporalOptions};
pub use deployment::{Deployment, PromoteError, Promotion, Version, VersionState, deployment, promote};
pub use ping::ping_workers;
pub use queues::{Backlog, Poller, QueueState, TaskKind, queues};
pub use reseal::reseal_schedules;
pub use schedule::prepare_namespace;
pub use sdk_metrics::SdkMetrics;
pub use temporalio_common::protos::temporal::api::common::v1::Payload;
