//! Version 1 of the API.

mod members;
pub(crate) mod operations;
pub(crate) mod schedules;
pub(crate) mod tasks;
mod time;
pub(crate) mod users;
pub(crate) mod webhooks;
