use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use muster_domain::UserId;

use super::view::{UserView, etag};
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::{OfUser, Taken};
use crate::state::Shared;

/// Bring a deleted user back to life
#[utoipa::path(
    put, path = "/api/v1/users/{id}/restore", operation_id = "restore_user", tag = "Users",
    params(("id" = uuid::Uuid, Path, description = "Which user")),
    responses(
        (status = 200, description = "The user as they are now", body = UserView, headers(("ETag" = String))),
        OfUser, Taken,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn restore(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<impl IntoResponse, Problem> {
    let user = state.app.restore_user(&ctx, UserId::new(id)).await?;
    Ok(([(header::ETAG, etag(&user))], Json(UserView::from(user))))
}
