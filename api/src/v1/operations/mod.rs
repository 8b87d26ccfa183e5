//! Long-running operations.

pub(crate) mod apply;
pub(crate) mod begin;
pub(crate) mod cancel;
pub(crate) mod events;
pub(crate) mod file;
mod file_view;
mod follow;
pub(crate) mod get;
pub(crate) mod head;
pub(crate) mod list;
pub(crate) mod pause;
mod progress_view;
pub(crate) mod resume;
pub(crate) mod retry;
pub(crate) mod rows;
pub(crate) mod undo;
pub(crate) mod view;
mod whole;
mod whole_row;

pub(crate) use self::follow::follow;
