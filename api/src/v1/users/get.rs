use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use muster_domain::UserId;

use super::view::{UserView, etag};
use crate::extract::{Id, Tenant};
use crate::problem::{Problem, ProblemBody};
use crate::state::ApiState;

/// A user
#[utoipa::path(
    get, path = "/api/v1/users/{id}", operation_id = "get_user", tag = "Users",
    params(("id" = uuid::Uuid, Path, description = "Which user")),
    responses(
        (status = 200, body = UserView, headers(("ETag" = String, description = "Version of the user"))),
        (status = 401, description = "No valid tenant token", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such user of this tenant", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The id is no UUID", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "The database is down", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<impl IntoResponse, Problem> {
    let user = state.app.user(&ctx, UserId::new(id)).await?;
    let etag = etag(&user);
    Ok(([(header::ETAG, etag)], Json(UserView::from(user))))
}
