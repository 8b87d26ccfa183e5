//! A worker process: one SDK worker for each task queue it serves.

mod queues;
mod relay;
mod run;

pub use queues::Queue;
pub use relay::relay;
pub use run::{Activities, NoInterceptor, run};
