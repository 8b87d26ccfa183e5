use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_domain::UserId;

use super::view::{UserView, etag};
use crate::extract::{Id, Tenant, has_current};
use crate::problem::Problem;
use crate::refusals::OfUser;
use crate::state::Shared;

/// A user
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "get_user", tag = "Users",
    params(
        ("id" = uuid::Uuid, Path, description = "Which user"),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` the client has", example = "\"v1\""),
    ),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String))),
        (status = 304, description = "The client has the user as they are", headers(("ETag" = String))),
        OfUser,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let user = state.app.user(&ctx, UserId::new(id)).await?;
    let etag = etag(&user);
    let is_current = has_current(&headers, &etag);
    let tag = [(header::ETAG, etag)];
    if is_current {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(UserView::from(user))).into_response())
}
