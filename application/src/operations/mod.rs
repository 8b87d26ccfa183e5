//! Watching operations and keeping them going.

mod discard;
mod get;
mod list;
mod rows;
mod sweep;
mod wait;

pub use list::OperationsPage;
pub use rows::{OperationRow, RowFilter, RowsPage};
pub use sweep::Swept;
