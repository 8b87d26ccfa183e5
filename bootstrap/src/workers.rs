//! What operators see and change of the workers, by way of Temporal.

pub use muster_infrastructure::temporal::{
    Backlog, Deployment, Poller, PromoteError, Promotion, QueueState, TaskKind, Version, VersionState, deployment,
    promote, queues,
};
