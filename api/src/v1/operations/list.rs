use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use muster_domain::OperationId;
use muster_domain::operations::{OperationPosition, OperationState};
use serde::Serialize;
use utoipa::ToSchema;

use super::view::OperationView;
use crate::cursor::Cursor;
use crate::extract::{Params, Tenant};
use crate::openapi::StateName;
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// A page of operations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationPage)]
pub(crate) struct OperationsView {
    /// The latest first.
    items: Vec<OperationView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// The operations of the tenant, the latest first
#[utoipa::path(
    get, path = "/api/v1/operations", operation_id = "list_operations", tag = "Operations",
    params(
        ("state" = inline(Option<StateName>), Query, description = "Only those in this state"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoiMjAyNi0wMS0zMVQxMjowMDowMFoiLCJ2YWx1ZSI6IjAxOTgxYzVlLTdhMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"),
        ("limit" = Option<u32>, Query, description = "Operations of a page, default 50", example = 50, minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "A page", body = OperationsView),
        OfTenant,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Json<OperationsView>, Problem> {
    let states = OperationState::ALL.map(OperationState::name).join(", ");
    let wanted = params.read("state", &format!("one of {states}"), OperationState::from_name)?;
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let cursor = Cursor::<DateTime<Utc>>::of(&params, |_| true)?;
    let after = cursor
        .map(|Cursor { sort_value, value }| OperationPosition { created_at: sort_value, id: OperationId::new(value) });
    let page = state.app.operations(&ctx, wanted, after, limit).await?;
    let next = page.next_after.map(|after| Cursor { sort_value: after.created_at, value: after.id.get() });
    Ok(Json(OperationsView {
        items: page.items.into_iter().map(Into::into).collect(),
        has_next: next.is_some(),
        next_cursor: next.and_then(|next| next.encode()),
    }))
}
