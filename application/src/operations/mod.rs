//! Watching operations and keeping them going.

mod cancel;
mod control;
mod discard;
mod export;
mod get;
mod list;
mod pause;
mod remove;
mod resume;
mod rows;
mod sweep;
mod wait;
mod watch;

pub use export::{Export, ExportFilter, ExportedRow, RowValues};
pub use list::OperationsPage;
pub use rows::{OperationRow, RowFilter, RowsPage};
pub use sweep::Swept;
pub(crate) use watch::Hub;
pub use watch::{Rendered, Sighting, Watcher};
