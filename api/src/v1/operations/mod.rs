//! Long-running operations.

pub(crate) mod cancel;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod resume;
pub(crate) mod rows;
pub(crate) mod view;
mod whole;
