//! Making users from an upload, and uploads of rows of any kind.

mod block;
mod import_rows;
mod meet;
mod problems;
mod repeated;
mod row;
mod upload;

pub(crate) use block::pack;
pub use block::{BlockBuilder, BlockRows, decode_block};
pub(crate) use import_rows::is_reported;
pub(crate) use problems::failed_row;
pub(crate) use repeated::Repeats;
pub use row::{ImportRow, RowProblem};
pub(crate) use upload::key_reused;
pub use upload::{NewUpload, Submitted, Upload};
