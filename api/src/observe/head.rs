use axum::extract::Request;
use axum::http::StatusCode;

use crate::problem::Problem;

/// Longest path and query, in bytes: a search with every text at its longest has half of it.
const MAX_TARGET: usize = 32 * 1024;
/// Most bytes of all header lines: below the limit of the HTTP library, whose answer has no body.
const MAX_HEADERS: usize = 64 * 1024;

/// Refuses a head that is too long, before anything else looks at it.
pub(super) fn check(request: &Request) -> Result<(), Problem> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Err(Problem::of_status(StatusCode::URI_TOO_LONG));
    }
    let lines = request.headers().iter();
    let bytes: usize = lines.map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len()).sum();
    if bytes > MAX_HEADERS {
        return Err(Problem::of_status(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE));
    }
    Ok(())
}
