//! Postgres, Redis, SMTP, Temporal and HTTP to endpoints behind the ports of Muster.

pub mod cache;
pub mod check;
mod clock;
pub mod partners;
pub mod postgres;
pub mod rate;
pub mod redis;
pub mod smtp;
pub mod spans;
pub mod temporal;
pub mod webhooks;

pub use clock::{SystemClock, TimeOrderedIds};
