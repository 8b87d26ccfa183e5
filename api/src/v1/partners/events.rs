use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use muster_application::AppError;
use muster_domain::partners::{EventRefusal, PartnerEvent, PartnerEventPosition};
use muster_domain::{OperationId, PartnerEventId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::cursor::Cursor;
use crate::extract::{Params, Tenant};
use crate::openapi::{EventRefusalName, PartnerEventStateName};
use crate::problem::Problem;
use crate::refusals::OfTenant;
use crate::state::Shared;
use crate::v1::time;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// Something that a partner has told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartnerEvent, example = json!({
    "id": "01981c5e-7a00-7000-8000-000000000001", "client": "01981c5e-7a00-7000-8000-000000000002",
    "event_id": "evt_8f14e45f", "event_type": "user.created", "data": null, "state": "processed",
    "operation_id": "01981c5e-7a00-7000-8000-000000000003", "reason": null,
    "received_at": "2026-01-31T12:00:00.000000Z", "ended_at": "2026-01-31T12:00:00.125000Z"
}))]
pub(crate) struct EventView {
    /// Our id of it.
    id: Uuid,
    /// Who told it: the client, as histories of users name it.
    client: Uuid,
    /// The partner's id of it.
    #[schema(example = "evt_8f14e45f")]
    event_id: String,
    /// What happened.
    #[schema(example = "invoice.paid")]
    event_type: String,
    /// What was said of it; null once an operation has it.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// What became of it.
    #[schema(value_type = PartnerEventStateName)]
    state: &'static str,
    /// The operation that does it.
    operation_id: Option<Uuid>,
    /// Why nothing came of it.
    #[schema(value_type = Option<EventRefusalName>)]
    reason: Option<&'static str>,
    /// When it came.
    #[serde(serialize_with = "time::instant")]
    received_at: DateTime<Utc>,
    /// When it was done, or was not.
    #[serde(serialize_with = "time::maybe")]
    ended_at: Option<DateTime<Utc>>,
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartnerEventPage)]
pub(crate) struct EventsView {
    /// The latest first.
    items: Vec<EventView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// What the tenant's partners have told, the latest first
#[utoipa::path(
    get, path = "/api/v1/partners/events", operation_id = "list_partner_events", tag = "Partners",
    params(
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before", max_length = 1024, example = "eyJzb3J0X3ZhbHVlIjoiMjAyNi0wMS0zMVQxMjowMDowMFoiLCJ2YWx1ZSI6IjAxOTgxYzVlLTdhMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMSJ9"),
        ("limit" = Option<u32>, Query, description = "Events of a page, default 50", example = 50, minimum = 1, maximum = 100),
    ),
    responses((status = 200, description = "A page", body = EventsView), OfTenant),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn events(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    params: Params,
) -> Result<Json<EventsView>, Problem> {
    let limit = params.number("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?;
    let cursor = Cursor::<DateTime<Utc>>::of(&params, |_| true)?;
    let after = cursor.map(|Cursor { sort_value, value }| PartnerEventPosition {
        received_at: sort_value,
        id: PartnerEventId::new(value),
    });
    let page = state.app.partner_events(&ctx, after, limit).await?;
    let next = page.next_after.map(|after| Cursor { sort_value: after.received_at, value: after.id.get() });
    Ok(Json(EventsView {
        items: page.items.into_iter().map(EventView::new).collect::<Result<_, _>>()?,
        has_next: next.is_some(),
        next_cursor: next.and_then(|next| next.encode()),
    }))
}

impl EventView {
    fn new(event: PartnerEvent) -> Result<Self, Problem> {
        let data = event.data.as_deref().map(serde_json::from_str).transpose();
        Ok(Self {
            id: event.id.get(),
            client: event.client.get(),
            event_id: event.event_id,
            event_type: event.event_type,
            data: data.map_err(AppError::internal)?,
            state: event.state.name(),
            operation_id: event.operation.map(OperationId::get),
            reason: event.reason.map(EventRefusal::name),
            received_at: event.received_at,
            ended_at: event.ended_at,
        })
    }
}
