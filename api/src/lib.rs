//! The HTTP face of Muster: validates requests and hands them to the use cases. It does no work of its own that must
//! survive.
//!
//! `router` is the table of routes; `v1` mirrors the use cases, one operation per file; `extract` parses at the edge;
//! `error` is the only place that turns a failure into a status.

mod body;
mod codec;
mod cors;
mod cursor;
mod docs;
mod error;
mod extract;
mod formats;
mod health;
mod limits;
mod media;
mod observe;
pub mod openapi;
mod problem;
mod problem_pages;
mod refusals;
mod root;
pub mod router;
pub mod server;
pub mod state;
mod upload;
mod v1;

pub use codec::CodecEndpoint;
pub use health::HealthSource;
pub use limits::RateLimits;
pub use observe::HttpMetrics;
pub use router::router;
pub use state::{ApiState, UploadLimits};
