use axum::http::HeaderMap;

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
