use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::UserId;

use crate::extract::{Id, IfMatch, Tenant};
use crate::problem::Problem;
use crate::refusals::{Changed, OfUser};
use crate::state::Shared;

/// Delete a user; they can be restored
#[utoipa::path(
    delete, path = "/api/v1/users/{id}", operation_id = "delete_user", tag = "Users",
    params(
        ("id" = uuid::Uuid, Path, description = "Which user"),
        IfMatch,
    ),
    responses(
        (status = 204, description = "Deleted"),
        OfUser, Changed,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode, Problem> {
    state.app.delete_user(&ctx, UserId::new(id), expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
