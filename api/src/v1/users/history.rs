use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use muster_domain::users::{FieldDigest, UserEvent};
use muster_domain::{EventId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::extract::{Id, Params, Tenant};
use crate::openapi::EventKindName;
use crate::problem::Problem;
use crate::refusals::OfUser;
use crate::state::Shared;
use crate::v1::time;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// A field that was changed. No values: digests that are salted with the event's id, so that whoever knows a value can
/// check it (the first 16 bytes of BLAKE3 over the id's 16 bytes, the field's name, a zero byte and the value).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedField {
    /// Name of the field.
    #[schema(example = "email")]
    field: String,
    /// Digest of what it was; null when it was empty.
    #[schema(example = "1d0c7e34a92b5f6880417263544a5b6c")]
    before: Option<String>,
    /// Digest of what it is; null when it is empty.
    #[schema(example = "9f2c7a1b0e5d4c3b8a79685746352413")]
    after: Option<String>,
}

/// What happened to a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserEvent)]
pub(crate) struct EventView {
    /// Identity.
    id: Uuid,
    /// `created`, `updated`, `deleted` or `restored`.
    #[schema(value_type = EventKindName)]
    kind: &'static str,
    /// Who did it: `sub` of the token; null when the token has none.
    #[schema(example = "ada")]
    actor: Option<String>,
    /// The operation that did it; null for a single request.
    #[schema(example = json!(null))]
    operation_id: Option<Uuid>,
    /// Which fields; of a user made by an operation none are named.
    fields: Vec<ChangedField>,
    /// When.
    #[serde(serialize_with = "time::instant")]
    at: DateTime<Utc>,
}

/// A page of a user's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserHistory)]
pub(crate) struct HistoryView {
    /// The latest first.
    items: Vec<EventView>,
    /// Whether there is more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// Who did what to a user, and when; also of a deleted user
#[utoipa::path(
    get, path = "/api/v1/users/{id}/history", operation_id = "get_user_history", tag = "Users",
    params(
        ("id" = uuid::Uuid, Path, description = "Which user"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoiMjAyNi0wMS0zMVQxMjowMDowMFoiLCJ2YWx1ZSI6IjAxOTgxYzVlLTdhMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"),
        ("limit" = Option<u32>, Query, description = "Events of a page, default 50", example = 50, minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "A page", body = HistoryView), OfUser),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn history(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    params: Params,
) -> Result<Json<HistoryView>, Problem> {
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let before = Cursor::<DateTime<Utc>>::of(&params, |_| true)?.map(|cursor| EventId::new(cursor.value));
    let page = state.app.user_history(&ctx, UserId::new(id), before, limit).await?;
    let last = page.events.last().map(|event| Cursor { sort_value: event.at, value: event.id.get() });
    Ok(Json(HistoryView {
        items: page.events.into_iter().map(EventView::from).collect(),
        has_next: page.has_next,
        next_cursor: last.filter(|_| page.has_next).and_then(|last| last.encode()),
    }))
}

impl From<UserEvent> for EventView {
    fn from(event: UserEvent) -> Self {
        let field = |FieldDigest { field, before, after }| ChangedField { field, before, after };
        Self {
            id: event.id.get(),
            kind: event.kind.name(),
            actor: event.actor.as_deref().map(str::to_owned),
            operation_id: event.operation.map(muster_domain::OperationId::get),
            fields: event.fields.into_iter().map(field).collect(),
            at: event.at,
        }
    }
}
