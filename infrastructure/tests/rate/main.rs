//! Rate limits: one budget for all processes, and one for each while Redis is away. Needs Redis: `cargo xtask test`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod failures;
mod shared;
mod world;
