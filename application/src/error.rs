use std::borrow::Cow;

use muster_domain::RepositoryError;

use crate::error_code::ErrorCode;
use crate::imports::RowProblem;

/// What kind of failure it is. Closed: `api` maps it to a status, `activities` to retryable or not, nothing else decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request breaks a rule.
    Invalid,
    /// Nobody knows who asks.
    Unauthenticated,
    /// The caller may not.
    Forbidden,
    /// There is no such thing for this tenant.
    NotFound,
    /// It contradicts what is stored.
    Conflict,
    /// The state is not the one the caller saw.
    PreconditionFailed,
    /// It was there once.
    Gone,
    /// Larger than what is accepted.
    TooLarge,
    /// Too often.
    RateLimited,
    /// A part that is needed is down: try again later.
    Unavailable,
    /// A defect of ours.
    Internal,
}

/// A failed use case: what the caller may know, apart from what the log must know.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AppError {
    /// Decides status and retry.
    pub kind: ErrorKind,
    /// Stable public code.
    pub code: ErrorCode,
    /// Public sentence, without values.
    pub message: Cow<'static, str>,
    /// What is wrong with each field, where that can be said; without values.
    pub problems: Vec<RowProblem>,
    /// For the log only.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl AppError {
    /// A failure that needs no further cause.
    pub fn new(kind: ErrorKind, code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code, message: message.into(), problems: Vec::new(), source: None }
    }

    /// A defect of ours, with its cause for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = Self::new(ErrorKind::Internal, ErrorCode::InternalServerError, "an unexpected error occurred");
        Self { source: Some(source.into()), ..error }
    }

    /// A part that is needed is down.
    pub fn unavailable(message: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let error = Self::new(ErrorKind::Unavailable, ErrorCode::ServiceUnavailable, message);
        Self { source: Some(source.into()), ..error }
    }

    /// There is no such `what` for this tenant.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(ErrorKind::NotFound, ErrorCode::EntityNotFound, format!("there is no such {what}"))
    }

    /// The request breaks a rule.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Invalid, ErrorCode::ValidationError, message)
    }

    /// Fields of the request break a rule.
    pub(crate) fn wrong_fields(problems: Vec<RowProblem>) -> Self {
        let names: Vec<_> = problems.iter().filter_map(|problem| problem.field.as_deref()).collect();
        let message = match names.as_slice() {
            [] => "the body cannot be read as a user".to_owned(),
            [name] => format!("{name} is wrong"),
            [names @ .., last] => format!("{} and {last} are wrong", names.join(", ")),
        };
        Self { problems, ..Self::invalid(message) }
    }
}

impl From<RepositoryError> for AppError {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Conflict { field } => {
                Self::new(ErrorKind::Conflict, ErrorCode::Conflict, format!("{field} is already taken"))
            }
            RepositoryError::Unavailable(source) => {
                Self::unavailable("the database is not available; try again later", source)
            }
            RepositoryError::Internal(source) => Self::internal(source),
        }
    }
}
