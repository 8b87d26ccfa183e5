//! Making users from an upload.

mod block;
mod finish;
mod import_block;
mod import_range;
mod problems;
mod row;
mod start;
mod upload;
mod upload_errors;

pub use block::{BlockBuilder, BlockRows, decode_block};
pub use finish::FinishImport;
pub use import_range::{ImportRange, RangeDone};
pub use row::{ImportRow, RowProblem};
pub use upload::{Submitted, Upload};
pub(crate) use upload_errors::key_reused;
