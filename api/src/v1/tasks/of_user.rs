use axum::Json;
use axum::extract::State;
use muster_domain::UserId;

use super::filter::{TaskConditions, filter};
use super::paging::{PageParams, TasksView, answer, query};
use crate::extract::{Id, Params, Tenant};
use crate::problem::Problem;
use crate::refusals::OfUser;
use crate::state::Shared;

/// The tasks that a user is to do and all conditions hold for
#[utoipa::path(
    get, path = "/api/v1/users/{id}/tasks", operation_id = "list_tasks_of_user", tag = "Tasks",
    params(("id" = uuid::Uuid, Path, description = "Which user"), TaskConditions, PageParams),
    responses((status = 200, description = "A page", body = TasksView), OfUser),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn of_user(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<TasksView>, Problem> {
    let query = query(&params, filter(&params)?)?;
    let sort = query.sort;
    Ok(answer(state.app.tasks_of_user(&ctx, UserId::new(id), query).await?, sort))
}
