use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::IntoResponse;
use muster_domain::ScheduleId;

use super::view::ScheduleView;
use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSchedule;
use crate::state::Shared;

/// Run a schedule now
///
/// Also while it is paused. The run begins an operation like any other one, and is soon the `last_run`; of several requests
/// within a second there is one run.
#[utoipa::path(
    post, path = "/api/v1/schedules/{id}/trigger", operation_id = "trigger_schedule", tag = "Schedules",
    params(("id" = uuid::Uuid, Path, description = "Which schedule")),
    responses((status = 202, description = "The run has been asked for", body = ScheduleView, headers(("Retry-After" = String))), OfSchedule),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn trigger(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<impl IntoResponse, Problem> {
    let schedule = state.app.trigger_schedule(&ctx, ScheduleId::new(id)).await?;
    Ok((StatusCode::ACCEPTED, [(RETRY_AFTER, "1")], Json(ScheduleView::new(schedule, state.clock.now())?)))
}
