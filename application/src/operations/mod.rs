//! Watching operations and keeping them going.

mod discard;
mod get;
mod rows;
mod sweep;
mod wait;

pub use rows::RowsPage;
pub use sweep::Swept;
