//! The cache: one load per key, nothing older than the bound, and no error of its own. Needs Redis: `cargo xtask test`.

mod failures;
mod local;
mod shared;
mod truth;
mod world;
