use axum::Json;
use axum::extract::State;
use muster_domain::ScheduleId;
use muster_domain::schedules::ScheduleState;

use super::view::ScheduleView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSchedule;
use crate::state::Shared;

/// Let a schedule run again
///
/// It runs at its next time; what it has missed is not made up for. Resuming again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/resume", operation_id = "resume_schedule", tag = "Schedules",
    params(("id" = uuid::Uuid, Path, description = "Which schedule")),
    responses((status = 200, description = "The schedule is active", body = ScheduleView), OfSchedule),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn resume(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<Json<ScheduleView>, Problem> {
    let schedule = state.app.move_schedule(&ctx, ScheduleId::new(id), ScheduleState::Active).await?;
    Ok(Json(ScheduleView::new(schedule, state.clock.now())?))
}
