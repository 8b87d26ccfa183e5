//! Small JSON bodies, whose members are read one by one.

use axum::body::Body;
use axum::http::HeaderMap;
use serde_json::{Map, Value};

use crate::body::{BodyReader, Encoding};
use crate::media::require_json;
use crate::problem::Problem;
use crate::state::ApiState;

/// Largest such body, after decompression, where nothing else is said.
const MAX_BYTES: u64 = 64 * 1024;

/// The members of a body.
pub(super) async fn members(state: &ApiState, headers: &HeaderMap, body: Body) -> Result<Map<String, Value>, Problem> {
    members_within(state, headers, body, MAX_BYTES).await
}

/// The members of a body of at most so many bytes.
pub(super) async fn members_within(
    state: &ApiState,
    headers: &HeaderMap,
    body: Body,
    max_bytes: u64,
) -> Result<Map<String, Value>, Problem> {
    require_json(headers)?;
    let body = BodyReader::new(body, Encoding::of(headers)?, max_bytes, state.limits.idle).whole().await?;
    serde_json::from_slice(&body).map_err(|_| Problem::invalid("", "invalid_json", "the body must be a JSON object"))
}
