//! Tasks.

pub(crate) mod assign;
pub(crate) mod batch;
pub(crate) mod cancel;
pub(crate) mod complete;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod deleted;
mod filter;
pub(crate) mod force_delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod of_user;
mod paging;
pub(crate) mod reopen;
pub(crate) mod restore;
pub(crate) mod settings;
mod settings_view;
pub(crate) mod start;
pub(crate) mod update;
pub(crate) mod view;

pub(crate) use filter::SORTS;
