use axum::Json;
use axum::extract::State;
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use muster_application::operations::{CancelledOperation, OnCancel};
use muster_domain::OperationId;

use super::view::{self, OperationView};
use crate::extract::{Id, Params, Tenant};
use crate::openapi::OnCancelName;
use crate::problem::Problem;
use crate::refusals::OfControl;
use crate::state::Shared;

/// End an operation where it is
///
/// What is done stays, or is undone. Once this is answered no row is done any more. Cancelling again changes nothing.
#[utoipa::path(
    post, path = "/api/v1/operations/{id}/cancel", operation_id = "cancel_operation", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("on_cancel" = inline(Option<OnCancelName>), Query, description = "`keep` (default) what is done, or `undo` it: an operation of its own, which begins at once"),
    ),
    responses(
        (status = 200, description = "The operation is cancelled", body = OperationView, headers(("Link" = String, description = "With `on_cancel=undo`, the operation that takes back what was done: `rel=\"undo\"`; absent when nothing was"))),
        OfControl,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn cancel(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Response, Problem> {
    let on_cancel = params.read("on_cancel", "keep or undo", OnCancel::from_name)?.unwrap_or_default();
    let CancelledOperation { operation, undo } =
        state.app.cancel_operation(&ctx, OperationId::new(id), on_cancel).await?;
    let view = Json(OperationView::from(operation));
    Ok(match undo {
        None => view.into_response(),
        Some(undo) => {
            let link = format!("<{}>; rel=\"undo\"", view::path(undo.get()));
            ([(LINK, link)], view).into_response()
        }
    })
}
