use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use utoipa::IntoParams;

use super::filter::filter;
use super::paging::{PageParams, UsersView, page};
use crate::extract::{Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

/// Which users: all conditions must hold. Text is compared without regard to case; `%` and `_` stand for themselves.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document; they are read one by one instead")]
pub(super) struct SearchParams {
    /// Part of the e-mail address.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "example.com")]
    email: Option<String>,
    /// Part of the user name.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "ada")]
    username: Option<String>,
    /// Part of the name.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "Lovelace")]
    full_name: Option<String>,
    /// The whole e-mail address.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "ada@example.com")]
    email_exact: Option<String>,
    /// The whole user name.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "ada")]
    username_exact: Option<String>,
    /// Whether they may act.
    is_active: Option<bool>,
    /// Made at this moment or later.
    created_after: Option<DateTime<Utc>>,
    /// Made at this moment or earlier.
    created_before: Option<DateTime<Utc>>,
    /// Last written at this moment or later.
    updated_after: Option<DateTime<Utc>>,
}

/// The users of the tenant that all conditions hold for, the latest first
#[utoipa::path(
    get, path = "/api/v1/users/search", operation_id = "search_users", tag = "Users",
    params(SearchParams, PageParams),
    responses((status = 200, description = "A page", body = UsersView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn search(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Response, Problem> {
    page(&state, &ctx, &filter(&params)?, &params).await
}
