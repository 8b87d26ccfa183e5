use crate::{AppError, ErrorCode, ErrorKind};

/// The versions of a thing that a write may be applied to (`If-Match`); none allows any.
pub type Versions = Option<Vec<i64>>;

/// Whether a write that expects these versions may be applied to this one; `message` says that it has changed.
pub(crate) fn check(version: i64, expected: &Versions, message: &'static str) -> Result<(), AppError> {
    match expected {
        Some(versions) if !versions.contains(&version) => {
            Err(AppError::new(ErrorKind::PreconditionFailed, ErrorCode::PreconditionFailed, message))
        }
        _ => Ok(()),
    }
}
