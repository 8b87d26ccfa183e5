use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use muster_domain::ScheduleId;
use muster_domain::schedules::SchedulePosition;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::ScheduleView;
use crate::cursor::Cursor;
use crate::extract::{Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// A page of schedules.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SchedulePage)]
pub(crate) struct SchedulesView {
    /// The latest first.
    items: Vec<ScheduleView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// The schedules of the tenant, the latest first
#[utoipa::path(
    get, path = "/api/v1/schedules", operation_id = "list_schedules", tag = "Schedules",
    params(
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoiMjAyNi0wMS0zMVQxMjowMDowMFoiLCJ2YWx1ZSI6IjAxOTgxYzVlLTdhMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"),
        ("limit" = Option<u32>, Query, description = "Schedules of a page, default 50", example = 50, minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "A page", body = SchedulesView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Json<SchedulesView>, Problem> {
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let cursor = Cursor::<DateTime<Utc>>::of(&params, |_| true)?;
    let after = cursor
        .map(|Cursor { sort_value, value }| SchedulePosition { created_at: sort_value, id: ScheduleId::new(value) });
    let page = state.app.schedules(&ctx, after, limit).await?;
    let now = state.clock.now();
    let next = page.next_after.map(|after| Cursor { sort_value: after.created_at, value: after.id.get() });
    Ok(Json(SchedulesView {
        items: page.items.into_iter().map(|schedule| ScheduleView::new(schedule, now)).collect::<Result<_, _>>()?,
        has_next: next.is_some(),
        next_cursor: next.and_then(|next| next.encode()),
    }))
}
