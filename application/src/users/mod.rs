//! Making and reading single users.

mod create;
mod created_by;
mod get;
