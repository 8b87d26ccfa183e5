//! The stack that tests, benchmarks and the demo run against: real Postgres, Redis and Temporal, a mail server that
//! misbehaves on request, and the processes under test. Development only; nothing here ships.
//!
//! The public surface is synchronous: programs and threads, no async runtime needed by the caller.

pub mod account;
pub mod child;
#[cfg(feature = "doubles")]
pub mod contract;
pub mod data;
pub mod database;
pub mod env;
pub mod evidence;
pub mod hooks;
pub mod http;
pub mod mail;
#[cfg(feature = "doubles")]
pub mod memory;
pub mod pids;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod procfs;
pub mod provision;
pub mod redis;
pub mod spread;
pub mod stack;
pub mod template;
pub mod temporal;
pub mod tools;
