//! A worker process: one SDK worker for each task queue it serves.

mod background;
mod hand_back;
mod measure;
mod parse;
mod queues;
mod quiet;
mod release;
mod run;
mod settings;
mod tuning;

pub use background::Background;
pub use queues::Queue;
pub use quiet::keep_panics_quiet;
pub use run::{Activities, NoInterceptor, run};
pub use settings::{SettingArguments, Settings};
