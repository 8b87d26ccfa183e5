//! Records of CSV files that we write.

mod formula;
mod write;

pub use formula::as_meant;
pub use write::write_record;
