use muster_domain::users::User;

use crate::{AppError, ErrorCode, ErrorKind};

/// The versions of a user that a write may be applied to (`If-Match`); none allows any.
pub type Versions = Option<Vec<i64>>;

pub(super) fn check(user: &User, expected: &Versions) -> Result<(), AppError> {
    match expected {
        Some(versions) if !versions.contains(&user.version) => Err(AppError::new(
            ErrorKind::PreconditionFailed,
            ErrorCode::PreconditionFailed,
            "the user was changed since; read them again",
        )),
        _ => Ok(()),
    }
}
