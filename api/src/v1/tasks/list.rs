use axum::Json;
use axum::extract::State;

use super::filter::{OfAssignee, TaskConditions, filter};
use super::paging::{PageParams, TasksView, answer, query};
use crate::extract::{Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;

/// The tasks of the tenant that all conditions hold for
#[utoipa::path(
    get, path = "/api/v1/tasks", operation_id = "list_tasks", tag = "Tasks",
    params(TaskConditions, OfAssignee, PageParams),
    responses((status = 200, description = "A page", body = TasksView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn list(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Json<TasksView>, Problem> {
    let query = query(&params, filter(&params)?)?;
    let sort = query.sort;
    Ok(answer(state.app.tasks(&ctx, query).await?, sort))
}
