use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

const SCHEME: &str = "bearer";

/// A header that is there twice, or is no text.
pub(crate) struct Unclear;

/// A header that may be there once.
pub(crate) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Unclear> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(|text| Some(text.trim())).map_err(|_| Unclear),
        _ => Err(Unclear),
    }
}

/// The token of `Authorization: Bearer`; none of any other scheme.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Unclear> {
    let credentials = once(headers, AUTHORIZATION.as_str())?.and_then(|credentials| credentials.split_once(' '));
    Ok(credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME)).map(|(_, token)| token.trim()))
}
