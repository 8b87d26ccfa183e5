use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use uuid::Uuid;

use super::view;
use crate::extract::Prefer;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What the head of an answer says of the operation that a request began, or had begun before.
pub(crate) fn tell(response: &mut Response, operation: Uuid, has_ended: bool, prefer: Prefer, replayed: bool) {
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(view::path(operation)) {
        headers.insert(LOCATION, location);
    }
    if let Some(applied) = prefer.applied(!has_ended).and_then(|applied| HeaderValue::try_from(applied).ok()) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
    if replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
}
