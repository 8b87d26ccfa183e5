use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use muster_application::ErrorCode;
use muster_application::imports::Submitted;
use muster_application::operations::Applied;
use muster_domain::OperationId;
use muster_domain::operations::OperationFailure;

use super::begin::answer;
use super::follow;
use super::view::OperationView;
use crate::extract::{Id, PlanMatch, Prefer, Tenant};
use crate::problem::Problem;
use crate::refusals::OfApply;
use crate::state::Shared;

/// How long the answer waits unless the client says otherwise: most plans are small, and are found to differ, or are done,
/// within it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Do what a dry run planned
///
/// An operation of its own that does each block of rows just as the plan says, or not at all. A plan of several blocks is
/// looked at as a whole before the first one is done. Found to come to something else within the wait (`Prefer: wait`, 5
/// seconds without it) the answer is 412; found later, the operation fails with `OUTCOME_DIFFERS`. Either way nothing was
/// done. Asked again, it gives the same operation, unless that has ended with nothing done.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/apply", operation_id = "apply_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which dry run"), PlanMatch, Prefer),
    responses(
        (status = 200, description = "The operation has ended", body = OperationView, headers(("Location" = String, description = "The operation that does it"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The operation is stored; follow it", body = OperationView, headers(("Location" = String, description = "The operation that does it"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfApply,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn apply(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    PlanMatch(digest): PlanMatch,
    prefer: Prefer,
) -> Result<Response, Problem> {
    let Some(digest) = digest else {
        state.app.operation(&ctx, OperationId::new(id)).await?;
        let detail = "If-Match must be the plan.digest of the dry run in quotes: 64 hexadecimal digits";
        return Err(Problem::invalid("/header/If-Match", "invalid_parameter", detail));
    };
    let Applied { operation, replayed } = state.app.apply_operation(&ctx, OperationId::new(id), digest).await?;
    let patience = prefer.wait.unwrap_or(if prefer.respond_async { Duration::ZERO } else { PATIENCE });
    let operation = follow(&state.app, &ctx, operation, patience).await?;
    if let Some(OperationFailure { detail, .. }) = operation.failure.as_ref().filter(|failure| failure.is_of_plan()) {
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, ErrorCode::OutcomeDiffers, detail.clone());
        return Err(problem.operation(operation.id.get()));
    }
    Ok(answer(Submitted { operation, replayed }, prefer))
}
