use axum::Json;
use axum::extract::State;
use muster_application::partners::ReceivePartnerEvent;
use muster_domain::partners::MAX_EVENT_TEXT;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::extract::{Signed, SignedHeaders, refused};
use crate::media::require_json;
use crate::problem::{ErrorDetail, Problem};
use crate::refusals::{OfBody, OfPartner};
use crate::state::Shared;
use crate::v1::members::read_members;

/// Largest body; and so the most that is kept of an event.
const MAX_BYTES: u64 = 64 * 1024;

/// Something that happened at a partner.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({ "event_type": "user.created", "event_id": "evt_8f14e45f", "data": { "email": "ada@example.com", "username": "ada", "full_name": "Ada Lovelace" } }))]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct PartnerEventRequest {
    /// What happened. `user.created`, `user.updated` and `user.deleted` change users; anything else is kept and ignored.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "user.created"
    )]
    event_type: String,
    /// The partner's id of it: told again, signed anew, it is answered alike and done once.
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$",
        example = "evt_8f14e45f"
    )]
    event_id: String,
    /// What is said of it; see docs/partners.md.
    #[schema(value_type = Object, example = json!({ "email": "ada@example.com", "username": "ada" }))]
    data: Map<String, Value>,
}

/// An event that is kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PartnerEventReceived {
    /// It is.
    #[schema(example = true)]
    received: bool,
    /// As it was sent.
    #[schema(example = "evt_8f14e45f")]
    event_id: String,
    /// For people.
    #[schema(example = "Webhook event received")]
    message: &'static str,
}

/// Tell of an event
///
/// Once this is answered the event is kept, and what it asks for is begun soon: an operation of one row, which the tenant sees
/// among its operations.
#[utoipa::path(
    post, path = "/api/v1/partners/webhook", operation_id = "partner_webhook", tag = "Partners",
    params(SignedHeaders),
    request_body(content = PartnerEventRequest, content_type = "application/json"),
    responses((status = 200, description = "The event is kept, by this request or an earlier one", body = PartnerEventReceived), OfPartner, OfBody),
)]
pub(crate) async fn webhook(
    State(state): State<Shared>,
    Signed { partner, body, headers }: Signed<MAX_BYTES>,
) -> Result<Json<PartnerEventReceived>, Problem> {
    require_json(&headers)?;
    let command = read(&read_members(&body)?)?;
    let event_id = command.event_id.clone();
    state.app.receive_partner_event(&partner, command).await.map_err(refused)?;
    Ok(Json(PartnerEventReceived { received: true, event_id, message: "Webhook event received" }))
}

fn read(members: &Map<String, Value>) -> Result<ReceivePartnerEvent, Problem> {
    let mut errors = Vec::new();
    let mut text = |name: &str| {
        let wrong = match members.get(name) {
            None | Some(Value::Null) => ("missing", format!("{name} is required")),
            Some(Value::String(text)) if text.chars().any(char::is_control) => {
                ("invalid_characters", format!("{name} must have no control characters"))
            }
            Some(Value::String(text)) if (1..=MAX_EVENT_TEXT).contains(&text.chars().count()) => return text.clone(),
            Some(Value::String(_)) => ("invalid_length", format!("{name} must have 1 to {MAX_EVENT_TEXT} characters")),
            Some(_) => ("wrong_type", format!("{name} must be a string")),
        };
        errors.push(ErrorDetail::new(format!("/{name}"), wrong.0, wrong.1));
        String::new()
    };
    let (event_type, event_id) = (text("event_type"), text("event_id"));
    let wrong = match members.get("data") {
        Some(data @ Value::Object(_)) if has_nul(data) => Some(("invalid_characters", "data must have no NUL")),
        Some(Value::Object(_)) => None,
        None | Some(Value::Null) => Some(("missing", "data is required")),
        Some(_) => Some(("wrong_type", "data must be an object")),
    };
    errors.extend(wrong.map(|(code, detail)| ErrorDetail::new("/data", code, detail)));
    if !errors.is_empty() {
        return Err(Problem::wrong(errors));
    }
    let data = members.get("data").cloned().unwrap_or_default();
    Ok(ReceivePartnerEvent { event_id, event_type, data })
}

/// What the database cannot keep in JSON.
fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
