//! Which pages of other origins may ask, and read what is answered.

use std::time::Duration;

use axum::http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_MATCH, IF_NONE_MATCH, IF_RANGE, LOCATION, ORIGIN, RANGE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderName, HeaderValue, Method};
use muster_bootstrap::config::{Cors, CorsOrigins};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember what it was allowed.
const REMEMBERED: Duration = Duration::from_hours(1);

const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Every header of a request that we read and that a page must ask for. Not those of signed requests: the secret of a partner
/// has no place in a page.
const READ: [HeaderName; 13] = [
    AUTHORIZATION,
    HeaderName::from_static("x-tenant-token"),
    CONTENT_TYPE,
    CONTENT_ENCODING,
    HeaderName::from_static("idempotency-key"),
    IF_MATCH,
    IF_NONE_MATCH,
    IF_RANGE,
    RANGE,
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("prefer"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Every header of an answer that a client may need and that a page does not see unasked.
const EXPOSED: [HeaderName; 15] = [
    LOCATION,
    ETAG,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    ALLOW,
    ACCEPT_ENCODING,
    ACCEPT_RANGES,
    CONTENT_RANGE,
    HeaderName::from_static("accept-post"),
    HeaderName::from_static("x-trace-id"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("idempotent-replayed"),
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("content-disposition"),
];

/// Answers preflights, and tells browsers who may read the other answers.
pub(crate) fn layer(cors: &Cors) -> CorsLayer {
    let layer = CorsLayer::new()
        .allow_methods(METHODS)
        .allow_headers(READ)
        .expose_headers(EXPOSED)
        .allow_credentials(cors.credentials)
        .max_age(REMEMBERED);
    match &cors.origins {
        // The same for everybody.
        CorsOrigins::Any => layer.allow_origin(AllowOrigin::any()).vary([]),
        CorsOrigins::Listed(origins) => {
            let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
            layer.allow_origin(AllowOrigin::list(origins)).vary([ORIGIN])
        }
    }
}
