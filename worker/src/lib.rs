//! A worker process: one SDK worker for each task queue it serves.

mod queues;
mod run;

pub use queues::Queue;
pub use run::{Activities, NoInterceptor, run};
