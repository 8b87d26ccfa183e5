//! What kind of body a request has.

use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::body::Encoding;
use crate::problem::Problem;
use muster_application::ErrorCode;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// The media type of a body, in lower case and without parameters; `accepted` are those of the route.
pub(crate) fn media_type(headers: &HeaderMap, accepted: &'static str) -> Result<String, Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    match charset.map(|(_, value)| value.trim_matches('"').to_ascii_lowercase()).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => Ok(media),
        Some(_) => Err(unsupported("the body must be in UTF-8", accepted)),
    }
}

/// The body must be JSON.
pub(crate) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    const JSON: &str = "application/json";
    if media_type(headers, JSON)? == JSON {
        return Ok(());
    }
    Err(unsupported("Content-Type must be application/json", JSON))
}

/// The body must not be compressed.
pub(crate) fn only_plain(encoding: Encoding) -> Result<(), Problem> {
    if encoding == Encoding::Identity {
        return Ok(());
    }
    let detail = "a signed body must not be compressed: leave Content-Encoding out";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, detail);
    Err(problem.header(ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// A 415 that says what would be right.
pub(crate) fn unsupported(detail: &'static str, accepted: &'static str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::UnsupportedMediaType, detail)
        .header(ACCEPT_POST, HeaderValue::from_static(accepted))
}
