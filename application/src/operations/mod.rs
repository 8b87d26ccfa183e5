//! Watching operations and keeping them going.

mod cancel;
mod control;
mod discard;
mod get;
mod list;
mod pause;
mod resume;
mod rows;
mod sweep;
mod wait;

pub use list::OperationsPage;
pub use rows::{OperationRow, RowFilter, RowsPage};
pub use sweep::Swept;
