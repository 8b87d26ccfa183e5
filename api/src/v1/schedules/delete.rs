use axum::extract::State;
use axum::http::StatusCode;
use muster_domain::ScheduleId;

use crate::extract::{Id, Tenant};
use crate::problem::Problem;
use crate::refusals::OfSchedule;
use crate::state::Shared;

/// Delete a schedule
///
/// What it has begun goes on.
#[utoipa::path(
    delete, path = "/api/v1/schedules/{id}", operation_id = "delete_schedule", tag = "Schedules",
    params(("id" = uuid::Uuid, Path, description = "Which schedule")),
    responses((status = 204, description = "Deleted"), OfSchedule),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn delete(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    state.app.delete_schedule(&ctx, ScheduleId::new(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
