//! Users.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod view;
