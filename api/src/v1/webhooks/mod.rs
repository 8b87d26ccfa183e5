//! Webhooks.

pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deliveries;
pub(crate) mod get;
pub(crate) mod list;
mod read;
pub(crate) mod replay;
pub(crate) mod rotate_secret;
pub(crate) mod test;
pub(crate) mod update;
pub(crate) mod view;
