use axum::http::HeaderMap;
use muster_domain::operations::UploadFormat;

use crate::media::{media_type, unsupported};
use crate::problem::Problem;

const ACCEPTED: &str = "application/json, application/x-ndjson, text/csv";

/// How the rows come, from `Content-Type`.
pub(crate) fn format_of(headers: &HeaderMap) -> Result<UploadFormat, Problem> {
    match media_type(headers, ACCEPTED)?.as_str() {
        "application/json" => Ok(UploadFormat::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(UploadFormat::Ndjson),
        "text/csv" => Ok(UploadFormat::Csv),
        _ => Err(unsupported("Content-Type must be application/json, application/x-ndjson or text/csv", ACCEPTED)),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::CONTENT_TYPE;

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
