use axum::Json;
use axum::extract::State;
use muster_domain::ScheduleId;
use muster_domain::schedules::ScheduleState;

use super::view::ScheduleView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSchedule;
use crate::state::Shared;

/// Pause a schedule
///
/// It does not run by itself until somebody resumes it. What it has begun goes on. Pausing again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/pause", operation_id = "pause_schedule", tag = "Schedules",
    params(("id" = uuid::Uuid, Path, description = "Which schedule")),
    responses((status = 200, description = "The schedule is paused", body = ScheduleView), OfSchedule),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn pause(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<ScheduleView>, Problem> {
    let schedule = state.app.move_schedule(&ctx, ScheduleId::new(id), ScheduleState::Paused).await?;
    Ok(Json(ScheduleView::new(schedule, state.clock.now())?))
}
