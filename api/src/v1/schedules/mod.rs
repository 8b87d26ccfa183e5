//! Schedules.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
mod read;
pub(crate) mod resume;
pub(crate) mod trigger;
pub(crate) mod view;
