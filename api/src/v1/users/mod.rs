//! Users.

pub(crate) mod batch;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deleted;
mod filter;
pub(crate) mod force_delete;
pub(crate) mod get;
pub(crate) mod history;
pub(crate) mod list;
mod paging;
pub(crate) mod restore;
pub(crate) mod search;
pub(crate) mod update;
pub(crate) mod view;
