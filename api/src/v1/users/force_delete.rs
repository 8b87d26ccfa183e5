use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::UserId;

use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfUser;
use crate::state::Shared;

/// Remove a user for good, with history and mails, deleted or not
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/force", operation_id = "force_delete_user", tag = "Users",
    params(("id" = uuid::Uuid, Path, description = "Which user")),
    responses((status = 204, description = "Removed"), OfUser),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn force_delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    state.app.force_delete_user(&ctx, UserId::new(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
