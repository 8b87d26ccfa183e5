use crate::{AppError, ErrorCode, ErrorKind};

/// The key's first request has not come in whole.
pub(super) fn still_receiving() -> AppError {
    AppError::new(
        ErrorKind::Conflict,
        ErrorCode::IdempotencyKeyInUse,
        "a request with this Idempotency-Key is still being received; try again when it has ended",
    )
}

/// The sweeper came first.
pub(super) fn taken_for_dead() -> AppError {
    AppError::new(
        ErrorKind::Conflict,
        ErrorCode::UploadAbandoned,
        "this upload stood still for too long and was removed; send it again",
    )
}

/// The key stands for something else.
pub(crate) fn key_reused() -> AppError {
    AppError::new(
        ErrorKind::Invalid,
        ErrorCode::IdempotencyKeyReused,
        "this Idempotency-Key was used for another request; use a new key for a new request",
    )
}
