//! Writing users to a file, and reading that file.

mod attempt;
mod begin;
mod filter;
mod read_file;
mod users;
mod writer;

pub use begin::NewExport;
pub use read_file::FileBytes;
