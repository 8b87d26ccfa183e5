//! Making, reading, changing and removing single users, and listing them.

mod conditions;
mod create;
mod created_by;
mod delete;
mod event;
mod force_delete;
mod get;
mod history;
mod index_search;
mod list;
mod restore;
mod store;
mod update;

pub use conditions::{WrongFilter, part, read_filter, shown};
pub use create::{CreateUser, CreatedUser};
pub use history::HistoryPage;
pub use list::UserPage;
pub use update::UpdateUser;

pub use crate::precondition::Versions;

/// What a write is told that expects another version.
const CHANGED: &str = "the user was changed since; read them again";
