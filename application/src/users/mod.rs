//! Reading users.

mod created_by;
mod get;
