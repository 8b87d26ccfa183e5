use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use muster_domain::operations::UploadFormat;

use crate::problem::Problem;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// How the rows come, from `Content-Type`.
pub(super) fn format_of(headers: &HeaderMap) -> Result<UploadFormat, Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let format = match media.as_str() {
        "application/json" => UploadFormat::Json,
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => UploadFormat::Ndjson,
        "text/csv" => UploadFormat::Csv,
        _ => return Err(unsupported("Content-Type must be application/json, application/x-ndjson or text/csv")),
    };
    let charset = parts.filter_map(|part| part.split_once('=')).find(|(name, _)| name.eq_ignore_ascii_case("charset"));
    match charset.map(|(_, value)| value.trim_matches('"').to_ascii_lowercase()).as_deref() {
        None | Some("utf-8" | "utf8" | "us-ascii") => Ok(format),
        Some(_) => Err(unsupported("the body must be in UTF-8")),
    }
}

fn unsupported(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
        .header(ACCEPT_POST, HeaderValue::from_static("application/json, application/x-ndjson, text/csv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_do_not_matter_but_the_charset() {
        for (value, expected) in [
            ("application/json", Some(UploadFormat::Json)),
            ("Application/JSON; charset=UTF-8", Some(UploadFormat::Json)),
            ("text/csv;header=present; charset=\"utf-8\"", Some(UploadFormat::Csv)),
            ("application/x-ndjson", Some(UploadFormat::Ndjson)),
            ("application/ndjson", Some(UploadFormat::Ndjson)),
            ("application/jsonl", Some(UploadFormat::Ndjson)),
            ("text/csv; charset=latin1", None),
            ("application/jsonx", None),
            ("multipart/form-data; boundary=x", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]);
            assert_eq!(format_of(&headers).ok(), expected, "{value}");
        }
        assert!(format_of(&HeaderMap::new()).is_err());
    }
}
