use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;

use super::read::parse;
use super::view::ScheduleView;
use crate::extract::Tenant;
use crate::openapi::{FileFormatName, ScheduleKindName};
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant, TooManySchedules};
use crate::state::Shared;
use crate::v1::members::members;

/// A new schedule.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Purge who left", "kind": "users.delete", "filter": { "is_active": false, "updated_before": "P90D" }, "cron": "30 3 * * *", "time_zone": "Europe/Berlin" }))]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct ScheduleCreate {
    /// For people; one line.
    #[schema(max_length = 255, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "Purge who left")]
    name: Option<String>,
    /// What its operations do.
    #[schema(value_type = ScheduleKindName)]
    kind: String,
    /// Whom they mean: conditions that must all hold, read anew at each run. At least one, unless users are exported.
    #[schema(nullable = false)]
    filter: Option<ScheduleFilterRequest>,
    /// For `users.export`: how the files are written; `ndjson` by default.
    #[schema(value_type = Option<FileFormatName>, nullable = false)]
    format: Option<String>,
    /// When it runs: minute, hour, day of the month, month, day of the week, which must all hold. Numbers, three-letter names,
    /// `*`, lists, ranges, and steps of ranges.
    #[schema(max_length = 120, example = "30 3 * * *")]
    cron: String,
    /// On whose clocks: a name of the IANA database. A time that they skip is left out; one that they show twice may run twice.
    #[schema(nullable = false, default = "UTC", example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// Conditions on users. They mean what those of `POST /api/v1/operations` mean; a time may also be an age, in weeks (`P2W`) or
/// in days and hours (`P90D`, `PT12H`): that long before the run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ScheduleFilter)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct ScheduleFilterRequest {
    /// Part of the e-mail address.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "old.example.com"
    )]
    email: Option<String>,
    /// Part of the user name.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "test_"
    )]
    username: Option<String>,
    /// Part of the name.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "Lovelace"
    )]
    full_name: Option<String>,
    /// Whether they may act.
    #[schema(nullable = false, example = false)]
    is_active: Option<bool>,
    /// Made at this moment or later.
    #[schema(nullable = false, pattern = "^(P|[0-9]{4}-)", example = "P30D")]
    created_after: Option<String>,
    /// Made at this moment or earlier.
    #[schema(nullable = false, pattern = "^(P|[0-9]{4}-)", example = "2026-01-31T00:00:00Z")]
    created_before: Option<String>,
    /// Last written at this moment or later.
    #[schema(nullable = false, pattern = "^(P|[0-9]{4}-)", example = "PT24H")]
    updated_after: Option<String>,
    /// Last written at this moment or earlier.
    #[schema(nullable = false, pattern = "^(P|[0-9]{4}-)", example = "P90D")]
    updated_before: Option<String>,
    /// Deleted at this moment or earlier, of `users.erase` and `users.export`: these are about the deleted then.
    #[schema(nullable = false, pattern = "^(P|[0-9]{4}-)", example = "P4W")]
    deleted_before: Option<String>,
}

/// Make a schedule
///
/// From now on it begins an operation at each of its times. A tenant has at most 50 schedules.
#[utoipa::path(
    post, path = "/api/v1/schedules", operation_id = "create_schedule", tag = "Schedules",
    request_body(content = ScheduleCreate, content_type = "application/json"),
    responses(
        (status = 201, description = "The schedule is there", body = ScheduleView, headers(("Location" = String, description = "The schedule"))),
        OfTenant, OfBody, TooManySchedules,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn create(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    headers: HeaderMap,
    body: Body,
) -> Result<impl IntoResponse, Problem> {
    let members = members(&state, &headers, body).await?;
    let schedule = state.app.create_schedule(&ctx, parse(&members, state.clock.now())?).await?;
    let location = [(header::LOCATION, format!("/api/v1/schedules/{}", schedule.id))];
    Ok((StatusCode::CREATED, location, Json(ScheduleView::new(schedule, state.clock.now())?)))
}
