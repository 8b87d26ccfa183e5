//! `POST /codec/decode`: shows payloads of Temporal to operators, for Temporal's UI and command line. Not for tenants, and so not
//! under `/api`, not in the `OpenAPI` document, and with a token of its own.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_application::ErrorCode;
use muster_bootstrap::config::CodecToken;
use muster_bootstrap::{Payload, PayloadKeys};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::body::{BodyReader, Encoding};
use crate::extract::bearer;
use crate::media::require_json;
use crate::problem::Problem;
use crate::state::{ApiState, Shared};

/// Largest body: a message of Temporal has 4 MiB, and a third more in base64.
const MAX_BYTES: u64 = 8 << 20;

/// Who may see which payloads.
#[derive(Debug, Clone)]
pub struct CodecEndpoint {
    /// By which payloads are decrypted.
    pub keys: PayloadKeys,
    /// What whoever asks must know.
    pub token: CodecToken,
    /// Pages that may ask.
    pub origins: Vec<String>,
}

/// Payloads as Temporal writes them in JSON.
#[derive(Serialize, Deserialize)]
struct Payloads {
    #[serde(default)]
    payloads: Vec<PayloadJson>,
}

#[derive(Serialize, Deserialize)]
struct PayloadJson {
    /// In base64.
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// In base64.
    #[serde(default)]
    data: String,
    /// What is not ours to read is given back.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// The route, and which pages may ask it; no such thing where it is not configured.
pub(crate) fn routes(state: &ApiState) -> Option<(Router<Shared>, CorsLayer)> {
    let CodecEndpoint { origins, .. } = state.codec.as_ref()?;
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let cors = CorsLayer::new()
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("x-namespace")])
        .allow_origin(AllowOrigin::list(origins))
        // A proxy in front may know people by cookies.
        .allow_credentials(true)
        .vary([ORIGIN]);
    Some((Router::new().route("/codec/decode", post(decode)), cors))
}

async fn decode(State(state): State<Shared>, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let Some(codec) = &state.codec else { return Err(Problem::of_status(StatusCode::NOT_FOUND)) };
    admit(codec, &headers)?;
    require_json(&headers)?;
    let body = BodyReader::new(body, Encoding::of(&headers)?, MAX_BYTES, state.limits.idle).whole().await?;
    let Ok(Payloads { payloads }) = serde_json::from_slice(&body) else {
        return Err(Problem::invalid("", "invalid_json", "the body must be Temporal's payloads in JSON"));
    };
    let open = |(index, payload)| open(&codec.keys, payload).map_err(|why| wrong(index, why));
    let payloads = payloads.into_iter().enumerate().map(open).collect::<Result<_, _>>()?;
    Ok(axum::Json(Payloads { payloads }).into_response())
}

/// Asked by the token, once, before anything is read.
fn admit(codec: &CodecEndpoint, headers: &HeaderMap) -> Result<(), Problem> {
    if bearer(headers).ok().flatten().is_some_and(|token| codec.token.is(token)) {
        return Ok(());
    }
    let detail = "Authorization must be Bearer with the CODEC_TOKEN of this deployment";
    let problem = Problem::new(StatusCode::UNAUTHORIZED, ErrorCode::CodecTokenInvalid, detail);
    Err(problem.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
}

/// One that is not encrypted is given back as it is.
fn open(keys: &PayloadKeys, given: PayloadJson) -> Result<PayloadJson, String> {
    let bytes = |text: &String| STANDARD.decode(text).map_err(|_| "metadata and data must be base64".to_owned());
    let metadata = given.metadata.iter().map(|(name, value)| Ok((name.clone(), bytes(value)?)));
    let payload =
        Payload { metadata: metadata.collect::<Result<_, String>>()?, data: bytes(&given.data)?, ..Payload::default() };
    let opened = keys.open(payload).map_err(|error| error.to_string())?;
    let metadata = opened.metadata.into_iter().map(|(name, value)| (name, STANDARD.encode(value))).collect();
    Ok(PayloadJson { metadata, data: STANDARD.encode(opened.data), more: given.more })
}

fn wrong(index: usize, why: String) -> Problem {
    Problem::invalid(format!("/payloads/{index}"), "invalid_payload", why)
}
