//! Long-running operations.

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod rows;
pub(crate) mod view;
