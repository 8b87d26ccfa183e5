//! The only place that maps a failed use case to HTTP.

use axum::http::{HeaderValue, StatusCode, header};
use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_bootstrap::tokens::TokenError;

use crate::formats::FormatError;
use crate::problem::{ErrorDetail, Problem, pointer};

/// Seconds after which it is worth to try again when a part is down.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        log(&error);
        let status = match error.kind {
            ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::Gone => StatusCode::GONE,
            ErrorKind::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let found = error.problems.into_iter();
        let errors = found.map(|found| ErrorDetail::new(pointer(&found), found.code, found.detail)).collect();
        let problem = Self::new(status, error.code, error.message).errors(errors);
        match error.kind {
            ErrorKind::Unavailable | ErrorKind::RateLimited => problem.header(header::RETRY_AFTER, RETRY_AFTER),
            ErrorKind::Unauthenticated => challenge(problem),
            _ => problem,
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        challenge(Self::new(StatusCode::UNAUTHORIZED, error.code(), error.message()))
    }
}

impl Problem {
    /// Asked too often: to be asked again after so many seconds.
    pub(crate) fn rate_limited(seconds: u64) -> Self {
        let detail = format!("too many requests; try again in {seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::RateLimited, detail)
            .header(header::RETRY_AFTER, seconds.into())
    }
}

impl From<FormatError> for Problem {
    fn from(error: FormatError) -> Self {
        let mut detail = ErrorDetail::new(error.pointer(), error.code, error.detail.clone());
        detail.line = error.line;
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorCode::ValidationError, error.detail).errors(vec![detail])
    }
}

impl FormatError {
    /// The place in the body: of JSON an element of `users`, else the body as a whole.
    fn pointer(&self) -> String {
        match self.line {
            Some(element) if self.code == "invalid_json" => format!("/users/{}", element.saturating_sub(1)),
            _ => String::new(),
        }
    }
}

fn challenge(problem: Problem) -> Problem {
    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

/// Logged here and nowhere else: what the caller must not see.
fn log(error: &AppError) {
    let source = error.source.as_deref().map(|source| source as &dyn std::error::Error);
    match error.kind {
        ErrorKind::Internal => tracing::error!(code = error.code.name(), error = source, "a request failed"),
        ErrorKind::Unavailable => {
            tracing::warn!(code = error.code.name(), error = source, "a request could not be served");
        }
        _ => {}
    }
}
