//! Version 1 of the API.

pub(crate) mod operations;
mod time;
pub(crate) mod users;
pub(crate) mod webhooks;
