use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

use super::once::{Unclear, once};

const SCHEME: &str = "bearer";

/// The token of `Authorization: Bearer`; none of any other scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Unclear> {
    let credentials = once(headers, AUTHORIZATION.as_str())?.and_then(|credentials| credentials.split_once(' '));
    Ok(credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME)).map(|(_, token)| token.trim()))
}
