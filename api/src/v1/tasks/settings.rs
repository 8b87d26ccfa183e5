use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::settings_view::{SettingsView, read};
use crate::extract::Tenant;
use crate::openapi::OrphansName;
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant};
use crate::state::Shared;
use crate::v1::members::members;

/// Hours by the clock of the tenant; they may reach over midnight, and are not both the same.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct QuietHoursUpdate {
    /// When they begin.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "22:00")]
    from: String,
    /// When they end.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "07:00")]
    to: String,
}

/// How a tenant wants its tasks treated; what is left out is as by default.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct TaskSettingsUpdate {
    /// The clock of quiet hours, of mails, and of tasks that come again: a name of the IANA database.
    #[schema(default = "UTC", nullable = false, example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// When nobody is reminded; none by default.
    #[schema(example = json!({ "from": "22:00", "to": "07:00" }))]
    quiet_hours: Option<QuietHoursUpdate>,
    /// Who gets the open tasks of a user who is deleted: nobody, or whoever created them.
    #[schema(value_type = Option<OrphansName>, default = "unassign", nullable = false)]
    when_assignee_deleted: Option<String>,
}

/// How the tenant's tasks are treated
#[utoipa::path(
    get, path = "/api/v1/tasks/settings", operation_id = "get_task_settings", tag = "Tasks",
    responses((status = 200, description = "The settings", body = SettingsView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn get_settings(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
) -> Result<Json<SettingsView>, Problem> {
    Ok(Json(state.app.task_settings(&ctx).await?.into()))
}

/// Say how the tenant's tasks are to be treated from now on
#[utoipa::path(
    put, path = "/api/v1/tasks/settings", operation_id = "put_task_settings", tag = "Tasks",
    request_body(content = TaskSettingsUpdate, content_type = "application/json"),
    responses((status = 200, description = "The settings", body = SettingsView), OfTenant, OfBody),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn put_settings(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<SettingsView>, Problem> {
    let settings = read(&members(&state, &headers, body).await?)?;
    state.app.store_task_settings(&ctx, settings).await?;
    Ok(Json(settings.into()))
}
