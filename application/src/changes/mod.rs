//! Changing users who are there, many at a time.

mod apply;
mod change_rows;
mod claims;
mod former;
mod undo_rows;

pub(crate) use apply::{Change, Wanted};
