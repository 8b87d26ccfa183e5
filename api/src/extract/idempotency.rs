use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use crate::openapi::asked;
use crate::problem::Problem;

const HEADER: &str = "idempotency-key";
const MAX_BYTES: usize = 255;

/// What makes a repeated request the same request.
#[derive(Debug)]
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Makes a repetition safe: the same key and body again give the same answer";
        asked(
            "Idempotency-Key",
            description,
            "3f1d6c1e-import-of-monday",
            ObjectBuilder::new().pattern(Some("^[!-~]{1,255}$")).min_length(Some(1)).max_length(Some(MAX_BYTES)),
        )
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let invalid = |detail| Problem::invalid("/header/Idempotency-Key", "invalid_key", detail);
        let mut values = parts.headers.get_all(HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(invalid("Idempotency-Key must be given once"));
        }
        let bytes = value.as_bytes();
        if bytes.is_empty() || bytes.len() > MAX_BYTES || !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(invalid("Idempotency-Key must be 1 to 255 visible ASCII characters without spaces"));
        }
        // ASCII by the check above.
        Ok(Self(value.to_str().ok().map(str::to_owned)))
    }
}
