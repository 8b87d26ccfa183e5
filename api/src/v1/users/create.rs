use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;

use super::batch::UserCreate;
use super::view::{UserView, etag};
use crate::body::{BodyReader, Encoding};
use crate::extract::Tenant;
use crate::formats::read_user;
use crate::media::require_json;
use crate::problem::{Problem, ProblemBody};
use crate::state::ApiState;

/// Largest body, after decompression.
const MAX_BYTES: u64 = 64 * 1024;

/// Make a user
#[utoipa::path(
    post, path = "/api/v1/users", operation_id = "create_user", tag = "Users",
    request_body(content = UserCreate, content_type = "application/json"),
    responses(
        (status = 201, description = "The user is there", body = UserView, headers(("Location" = String, description = "The user"), ("ETag" = String, description = "Version of the user"))),
        (status = 401, description = "No valid tenant token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, description = "The body stopped coming", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "A user of that e-mail address or name exists; `errors` says which", body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, description = "More than 64 KiB", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "Another kind of body", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The body or a field is wrong", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The database is down", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn create(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    require_json(&headers)?;
    let body = BodyReader::new(body, Encoding::of(&headers)?, MAX_BYTES, state.limits.idle).whole().await?;
    let row = read_user(&body).ok_or_else(|| Problem::invalid("", "invalid_json", "the body must be a JSON object"))?;
    let user = state.app.create_user(&ctx, &row).await?;
    let location = format!("/api/v1/users/{}", user.id);
    let headers = [(header::LOCATION, location), (header::ETAG, etag(&user))];
    Ok((StatusCode::CREATED, headers, Json(UserView::from(user))))
}
