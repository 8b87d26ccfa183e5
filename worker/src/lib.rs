//! A worker process: one SDK worker for each task queue it serves.

mod background;
mod queues;
mod quiet;
mod run;

pub use background::{index_users, relay_webhooks, relay_welcomes};
pub use queues::Queue;
pub use quiet::keep_panics_quiet;
pub use run::{Activities, NoInterceptor, run};
