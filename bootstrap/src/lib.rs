//! Configuration, telemetry, lifecycle and wiring: the only crate that names concrete types.

pub mod check;
pub mod config;
pub mod health;
pub mod health_check;
pub mod health_server;
pub mod lifecycle;
pub mod metrics;
pub mod partners;
mod small_server;
pub mod telemetry;
pub mod tokens;
pub mod wire;
pub mod workers;

pub use config::{AppEnv, Config};
pub use muster_domain::TenantId;
pub use muster_infrastructure::postgres::migrate;
pub use muster_infrastructure::temporal::{
    CodecError, Payload, PayloadKeys, SdkMetrics, Temporal, TemporalAccess, TemporalOptions, data_converter,
    ping_workers, prepare_namespace, reseal_schedules,
};

/// Of every program that is wired here (ADR 37).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
