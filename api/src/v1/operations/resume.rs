use axum::Json;
use axum::extract::State;
use muster_domain::OperationId;
use muster_domain::operations::ErrorBudget;

use super::view::OperationView;
use crate::extract::{Id, Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfControl;
use crate::state::Shared;

/// Let a paused operation go on
///
/// The rows that failed so far do not count against its error budget any more. Resuming what goes on changes nothing.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/resume", operation_id = "resume_operation", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("max_errors" = Option<String>, Query, description = "Another error budget: rows that may fail from here on, as a number or as a share of all rows; without it, the one it has", example = "0.5%", pattern = r"^([0-9]{1,9}|[0-9]{1,2}(\.[0-9]{1,2})?%|100%)$"),
    ),
    responses((status = 200, description = "The operation goes on", body = OperationView), OfControl),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn resume(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<OperationView>, Problem> {
    let max_errors = params.read("max_errors", ErrorBudget::RIGHT, ErrorBudget::parse)?;
    let operation = state.app.resume_operation(&ctx, OperationId::new(id), max_errors).await?;
    Ok(Json(operation.into()))
}
