//! Secrets of partners at rest, and signatures that were accepted a moment ago.

mod seal;
mod signatures;

pub use seal::{AesSealer, SealingKey};
pub use signatures::RedisSignatures;
