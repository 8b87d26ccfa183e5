use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use muster_application::imports::RowProblem;
use muster_application::users::UpdateUser;
use muster_domain::UserId;
use muster_domain::users::{Given, UserPatch};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::create::MAX_BYTES;
use super::view::{UserView, etag};
use crate::body::{BodyReader, Encoding};
use crate::extract::{Id, IfMatch, Prefer, Tenant};
use crate::media::require_json;
use crate::problem::Problem;
use crate::refusals::{Changed, OfBody, OfUser, Taken};
use crate::state::Shared;

/// What is to change. A member that is absent leaves its field as it is.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct UserUpdate {
    /// The address from now on.
    #[schema(format = Email, max_length = 255, example = "ada@example.com", nullable = false)]
    email: Option<String>,
    /// The user name from now on.
    #[schema(min_length = 3, max_length = 100, pattern = "^[a-zA-Z0-9_-]+$", example = "ada", nullable = false)]
    username: Option<String>,
    /// The name from now on; `null` clears it.
    #[schema(max_length = 255, example = "Ada King")]
    full_name: Option<String>,
    /// Whether the user may act.
    #[schema(nullable = false, example = true)]
    is_active: Option<bool>,
}

/// Change a user
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", operation_id = "update_user", tag = "Users",
    params(
        ("id" = uuid::Uuid, Path, description = "Which user"),
        IfMatch,
        Prefer,
    ),
    request_body(content = UserUpdate, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as they are now", body = UserView, headers(("ETag" = String))),
        (status = 204, description = "Done; asked for with `Prefer: return=minimal`", headers(("ETag" = String), ("Preference-Applied" = String))),
        OfUser, OfBody, Taken, Changed,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn update(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    prefer: Prefer,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    require_json(&headers)?;
    let body = BodyReader::new(body, Encoding::of(&headers)?, MAX_BYTES, state.limits.idle).whole().await?;
    let members: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|_| Problem::invalid("", "invalid_json", "the body must be a JSON object"))?;
    let mut problems = Vec::new();
    let patch = UserPatch {
        email: text(&members, "email", &mut problems),
        username: text(&members, "username", &mut problems),
        full_name: text(&members, "full_name", &mut problems),
        is_active: flag(&members, &mut problems),
    };
    let user = state.app.update_user(&ctx, UpdateUser { id: UserId::new(id), patch, problems, expected }).await?;
    let tag = [(header::ETAG, etag(&user))];
    if prefer.return_minimal {
        let applied = [(HeaderName::from_static("preference-applied"), "return=minimal")];
        return Ok((StatusCode::NO_CONTENT, tag, applied).into_response());
    }
    Ok((tag, Json(UserView::from(user))).into_response())
}

fn text<'a>(members: &'a Map<String, Value>, field: &'static str, problems: &mut Vec<RowProblem>) -> Given<'a> {
    match members.get(field) {
        None => Given::Absent,
        Some(Value::Null) => Given::Null,
        Some(Value::String(text)) => Given::Text(text),
        Some(_) => {
            problems.push(wrong_type(field, "must be a string"));
            Given::Absent
        }
    }
}

fn flag(members: &Map<String, Value>, problems: &mut Vec<RowProblem>) -> Option<bool> {
    let given = members.get("is_active")?;
    if !given.is_boolean() {
        problems.push(wrong_type("is_active", "must be true or false; leave it out to keep it"));
    }
    given.as_bool()
}

fn wrong_type(field: &'static str, detail: &'static str) -> RowProblem {
    RowProblem { field: Some(field.into()), code: "wrong_type".into(), detail: detail.into() }
}
