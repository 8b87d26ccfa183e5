//! Temporal behind the workflow port.

mod check;
mod connect;
mod gateway;
mod ping;
mod schedule;
mod tenant_schedule;

pub use check::check;
pub use connect::{Temporal, TemporalError, TemporalOptions};
pub use ping::ping_workers;
pub use schedule::prepare_namespace;
