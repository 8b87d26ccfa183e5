use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::UserId;

use crate::extract::{Id, IfMatch, Tenant};
use crate::problem::{Problem, ProblemBody};
use crate::refusals::OfUser;
use crate::state::ApiState;

/// Delete a user; they can be restored
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", operation_id = "delete_user", tag = "Users",
    params(
        ("id" = uuid::Uuid, Path, description = "Which user"),
        ("If-Match" = Option<String>, Header, description = "Only if the user still has one of these `ETag`s"),
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 412, description = "The user was changed since", body = ProblemBody, content_type = "application/problem+json"),
        OfUser,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn delete(
    State(state): State<ApiState>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    state.app.delete_user(&ctx, UserId::new(id), expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
