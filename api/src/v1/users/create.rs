use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_application::users::CreateUser;

use super::batch::UserCreate;
use super::view::{UserView, etag};
use crate::body::{BodyReader, Encoding};
use crate::extract::{IdempotencyKey, Prefer, Tenant};
use crate::formats::read_user;
use crate::media::require_json;
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant, Taken};
use crate::state::Shared;

/// Largest body about one user, after decompression.
pub(super) const MAX_BYTES: u64 = 64 * 1024;
/// What the digest of a request begins with: the same body sent elsewhere is another request.
const ROUTE: &[u8] = b"POST /api/v1/users\0";

/// Make a user
///
/// The user gets a welcome mail within seconds.
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "create_user", tag = "Users",
    params(
        IdempotencyKey,
        Prefer,
    ),
    request_body(content = UserCreate, content_type = "application/json"),
    responses(
        (status = 201, description = "The user is there", body = UserView, headers(("Location" = String, description = "The user"), ("ETag" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfTenant, OfBody, Taken,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn create(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    IdempotencyKey(key): IdempotencyKey,
    prefer: Prefer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    require_json(&headers)?;
    let body = BodyReader::new(body, Encoding::of(&headers)?, MAX_BYTES, state.limits.idle).whole().await?;
    let row = read_user(&body).ok_or_else(|| Problem::invalid("", "invalid_json", "the body must be a JSON object"))?;
    let digest = || blake3::Hasher::new().update(ROUTE).update(&body).finalize().into();
    let key = key.as_deref().map(|key| (key, digest()));
    let created = state.app.create_user(&ctx, CreateUser { row: &row, welcome: true, key }).await?;
    let user = created.user;
    let location = [(header::LOCATION, format!("/api/v1/users/{}", user.id)), (header::ETAG, etag(&user))];
    let mut response = if prefer.return_minimal {
        (StatusCode::CREATED, location).into_response()
    } else {
        (StatusCode::CREATED, location, Json(UserView::from(user))).into_response()
    };
    let headers = response.headers_mut();
    if prefer.return_minimal {
        headers.insert(HeaderName::from_static("preference-applied"), HeaderValue::from_static("return=minimal"));
    }
    if created.replayed {
        headers.insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
    }
    Ok(response)
}
