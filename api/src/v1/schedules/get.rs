use axum::Json;
use axum::extract::State;
use muster_domain::ScheduleId;

use super::view::ScheduleView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSchedule;
use crate::state::Shared;

/// A schedule, with its next run and its latest
#[utoipa::path(
    get, path = "/api/v1/schedules/{id}", operation_id = "get_schedule", tag = "Schedules",
    params(("id" = uuid::Uuid, Path, description = "Which schedule")),
    responses((status = 200, description = "The schedule", body = ScheduleView), OfSchedule),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<ScheduleView>, Problem> {
    let schedule = state.app.schedule(&ctx, ScheduleId::new(id)).await?;
    Ok(Json(ScheduleView::new(schedule, state.clock.now())?))
}
