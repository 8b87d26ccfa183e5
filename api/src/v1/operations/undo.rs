use axum::extract::State;
use axum::response::Response;
use muster_application::imports::Submitted;
use muster_application::operations::Undo;
use muster_domain::OperationId;

use super::begin::answer;
use super::follow;
use super::view::OperationView;
use crate::extract::{Id, Prefer, Tenant};
use crate::problem::Problem;
use crate::refusals::OfControl;
use crate::state::Shared;

/// Take back what an operation did
///
/// An operation of its own: users who were made are deleted, former values are put back, who was deleted comes back. Users
/// whom somebody has changed since stay as they are and are reported. Asked again, it gives the same undo. When all is taken
/// back the operation becomes `undone`.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/undo", operation_id = "undo_operation", tag = "Operations",
    params(("id" = uuid::Uuid, Path, description = "Which operation"), Prefer),
    responses(
        (status = 200, description = "The undo has ended", body = OperationView, headers(("Location" = String, description = "The undo"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The undo is stored; follow it", body = OperationView, headers(("Location" = String, description = "The undo"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfControl,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn undo(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    prefer: Prefer,
) -> Result<Response, Problem> {
    let Undo { operation, replayed } = state.app.undo_operation(&ctx, OperationId::new(id)).await?;
    let operation = follow(&state.app, &ctx, operation, prefer.wait.unwrap_or_default()).await?;
    Ok(answer(Submitted { operation, replayed }, prefer))
}
