//! Temporal behind the workflow port.

mod codec;
mod connect;
mod gateway;
mod ping;
mod reseal;
mod schedule;
mod tenant_schedule;

pub use codec::{CodecError, PayloadKeys, data_converter};
pub use connect::{Temporal, TemporalError, TemporalOptions};
pub use ping::ping_workers;
pub use reseal::reseal_schedules;
pub use schedule::prepare_namespace;
pub use temporalio_common::protos::temporal::api::common::v1::Payload;
