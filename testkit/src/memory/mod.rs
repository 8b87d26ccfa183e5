//! In-memory doubles of every port, for tests that must be quick.
//!
//! [`MemoryStore`] stands for Postgres: unit of work, repositories and readers, held to the same contract suite
//! ([`crate::contract`]). It can be told to fail at the n-th call or commit, so that a test can cut a use case at
//! every step. The other doubles stand for the clock, the engine and the mail server.

mod clock;
mod fault;
mod files;
mod gateway;
mod heartbeat;
mod ids;
mod limiter;
mod lineage;
mod mailer;
mod mails;
mod operations;
mod partners;
mod readers;
mod reminders;
mod removal;
mod schedules;
mod seals;
mod search_index;
mod signatures;
mod state;
mod store;
mod tally;
mod tasks;
mod unit;
mod user_list;
mod user_writes;
mod users;
mod watch;
mod webhook_sender;
mod webhooks;
mod welcomes;

pub use clock::MemoryClock;
pub use fault::Fault;
pub use gateway::MemoryGateway;
pub use heartbeat::{CancelAfter, NoHeartbeat};
pub use ids::MemoryIds;
pub use limiter::MemoryLimiter;
pub use mailer::MemoryMailer;
pub use reminders::StoredReminder;
pub use seals::MemorySeals;
pub use signatures::MemorySignatures;
pub use state::{
    StoredBatch, StoredBlock, StoredDelivery, StoredKey, StoredOperation, StoredSchedule, StoredWelcome, TenantState,
};
pub use store::MemoryStore;
pub use tally::MemoryTally;
pub use unit::MemoryUnit;
pub use watch::MemoryWatch;
pub use webhook_sender::MemoryWebhooks;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A test that panicked while it held the lock has failed already; the others may go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
