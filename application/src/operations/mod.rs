//! Watching operations and keeping them going.

mod cancel;
mod control;
mod discard;
mod export;
mod finish;
mod get;
mod list;
mod pause;
mod remove;
mod resume;
mod rows;
mod run_block;
mod run_range;
mod start;
mod sweep;
mod undo;
mod wait;
mod watch;

pub use export::{Export, ExportFilter, ExportedRow, RowValues};
pub use finish::FinishOperation;
pub use list::OperationsPage;
pub use rows::{OperationRow, RowFilter, RowsPage};
pub(crate) use run_block::{BlockDone, BlockWork};
pub(crate) use run_range::go_on;
pub use run_range::{RangeDone, RunRange};
pub use sweep::Swept;
pub use undo::Undo;
pub(crate) use watch::Hub;
pub use watch::{Rendered, Sighting, Watcher};
