use crate::{AppError, ErrorKind};

/// The key's first request has not come in whole.
pub(super) fn still_receiving() -> AppError {
    AppError::new(
        ErrorKind::Conflict,
        "IDEMPOTENCY_KEY_IN_USE",
        "a request with this Idempotency-Key is still being received; try again when it has ended",
    )
}

/// The sweeper came first.
pub(super) fn taken_for_dead() -> AppError {
    AppError::new(
        ErrorKind::Conflict,
        "UPLOAD_ABANDONED",
        "this upload stood still for too long and was removed; send it again",
    )
}

/// The key stands for something else.
pub(crate) fn key_reused() -> AppError {
    AppError::new(
        ErrorKind::Invalid,
        "IDEMPOTENCY_KEY_REUSED",
        "this Idempotency-Key was used for another request; use a new key for a new request",
    )
}
