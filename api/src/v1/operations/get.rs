use std::time::Duration;

use axum::Json;
use axum::extract::State;
use muster_domain::OperationId;

use super::view::OperationView;
use crate::extract::{Id, Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfOperation;
use crate::state::Shared;

/// Longest wait that is granted, in seconds.
const MAX_WAIT: u64 = 60;

/// An operation and how far it is
///
/// With `wait` it is answered when the operation has ended or is paused, or as it is after so many seconds.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}", operation_id = "get_operation", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("wait" = Option<u64>, Query, description = "Seconds to wait for its end or a pause, default 0", minimum = 0, maximum = 60, example = 0),
    ),
    responses(
        (status = 200, description = "How far it is", body = OperationView),
        OfOperation,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<OperationView>, Problem> {
    let patience = Duration::from_secs(params.number("wait", 0, MAX_WAIT, 0)?);
    let operation = state.app.wait_for_operation(&ctx, OperationId::new(id), patience).await?;
    Ok(Json(operation.into()))
}
