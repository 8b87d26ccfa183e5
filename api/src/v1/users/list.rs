use axum::extract::State;
use axum::response::Response;
use muster_domain::users::UserFilter;

use super::paging::{PageParams, UsersView, page};
use crate::extract::{Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

/// The users of the tenant, the latest first
#[utoipa::path(
    get, path = "/api/v1/users", operation_id = "list_users", tag = "Users",
    params(PageParams),
    responses((status = 200, description = "A page", body = UsersView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Response, Problem> {
    page(&state, &ctx, &UserFilter::living(), &params).await
}
