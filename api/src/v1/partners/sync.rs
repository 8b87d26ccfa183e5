use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use muster_application::ErrorCode;
use muster_application::partners::SyncEntities;
use muster_domain::partners::SyncedEntity;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{Signed, SignedHeaders, refused};
use crate::media::require_json;
use crate::openapi::SyncedEntityName;
use crate::problem::{ErrorDetail, Problem};
use crate::refusals::{OfBody, OfPartner, OtherEntity};
use crate::state::Shared;
use crate::v1::members::read_members;

const MAX_BYTES: u64 = 4 << 20;
/// Most entities of a request: what one block holds.
const MAX_IDS: usize = 10_000;
/// Longest id, in characters.
const MAX_ID: usize = 255;

/// Entities that are in step.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({ "entity_type": "users", "entity_ids": ["01981c5e-7a00-7000-8000-000000000001"], "sync_metadata": { "batch": 7 } }))]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; members are read one by one instead")]
pub(crate) struct SyncRequest {
    /// What they are. Users are kept here; of all others each row of the operation fails.
    #[schema(value_type = SyncedEntityName)]
    entity_type: String,
    /// Which ones; of users their ids.
    #[schema(min_items = 1, max_items = 10_000, example = json!(["01981c5e-7a00-7000-8000-000000000001"]))]
    entity_ids: Vec<SyncedId>,
    /// For the partner; it is signed and not kept.
    #[schema(value_type = Option<Object>, nullable = false, example = json!({ "batch": 7 }))]
    sync_metadata: Option<Map<String, Value>>,
}

/// Id of an entity.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "01981c5e-7a00-7000-8000-000000000001")]
#[expect(dead_code, reason = "describes a member in the OpenAPI document")]
pub(crate) struct SyncedId(String);

/// A synchronisation that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncBegun {
    /// The operation, which the tenant can follow.
    sync_id: Uuid,
    /// As it was sent.
    #[schema(value_type = SyncedEntityName)]
    entity_type: &'static str,
    /// How many ids were sent.
    #[schema(example = 1)]
    total_entities: usize,
    /// Where it is.
    #[schema(example = "queued")]
    status: &'static str,
}

/// Note that entities are in step
///
/// Begins an operation with a row for each of them. A user who is there gets a line in their history; whoever is not there is a
/// failed row.
#[utoipa::path(
    post, path = "/api/v1/partners/sync", operation_id = "partner_sync", tag = "Partners",
    params(SignedHeaders),
    request_body(content = SyncRequest, content_type = "application/json"),
    responses(
        (status = 202, description = "Everything is stored; the tenant can follow the operation", body = SyncBegun, headers(("Location" = String, description = "The operation"), ("Retry-After" = String))),
        OfPartner, OfBody, OtherEntity,
    ),
)]
pub(crate) async fn sync(
    State(state): State<Shared>,
    Signed { partner, body, headers }: Signed<MAX_BYTES>,
) -> Result<impl IntoResponse, Problem> {
    require_json(&headers)?;
    let command = read(&read_members(&body)?)?;
    let (entity_type, total_entities) = (command.entity.name(), command.ids.len());
    let operation = state.app.begin_sync(&partner, command).await.map_err(refused)?;
    let headers =
        [(header::LOCATION, format!("/api/v1/operations/{}", operation.id)), (header::RETRY_AFTER, "1".to_owned())];
    let begun = SyncBegun { sync_id: operation.id.get(), entity_type, total_entities, status: "queued" };
    Ok((StatusCode::ACCEPTED, headers, Json(begun)))
}

fn read(members: &Map<String, Value>) -> Result<SyncEntities, Problem> {
    let mut errors = Vec::new();
    let mut wrong = |pointer: String, code: &'static str, detail: String| {
        errors.push(ErrorDetail::new(pointer, code, detail));
    };
    let entity = match members.get("entity_type") {
        // Not one of several things that are wrong: clients of the reference look for this answer.
        Some(Value::String(name)) => Some(SyncedEntity::from_name(name).ok_or_else(other_entity)?),
        None | Some(Value::Null) => {
            wrong("/entity_type".to_owned(), "missing", "entity_type is required".to_owned());
            None
        }
        Some(_) => {
            wrong("/entity_type".to_owned(), "wrong_type", "entity_type must be a string".to_owned());
            None
        }
    };
    let mut ids = Vec::new();
    match members.get("entity_ids") {
        Some(Value::Array(given)) if (1..=MAX_IDS).contains(&given.len()) => {
            for (position, id) in given.iter().enumerate() {
                match id {
                    Value::String(id) if is_id(id) => ids.push(id.clone()),
                    _ => {
                        let right = format!("must be a string of 1 to {MAX_ID} characters without control characters");
                        wrong(format!("/entity_ids/{position}"), "invalid_id", right);
                    }
                }
            }
        }
        None | Some(Value::Null) => {
            wrong("/entity_ids".to_owned(), "missing", "entity_ids is required".to_owned());
        }
        Some(_) => {
            wrong("/entity_ids".to_owned(), "wrong_type", format!("entity_ids must be a list of 1 to {MAX_IDS} ids"));
        }
    }
    if !matches!(members.get("sync_metadata"), None | Some(Value::Object(_))) {
        wrong("/sync_metadata".to_owned(), "wrong_type", "sync_metadata must be an object".to_owned());
    }
    match entity {
        Some(entity) if errors.is_empty() => Ok(SyncEntities { entity, ids }),
        _ => Err(Problem::wrong(errors)),
    }
}

fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn other_entity() -> Problem {
    let allowed = SyncedEntity::ALL.map(SyncedEntity::name);
    let detail = format!("entity_type must be one of {}", allowed.join(", "));
    let errors = vec![ErrorDetail::new("/entity_type", "invalid_option", detail.clone())];
    Problem::new(StatusCode::BAD_REQUEST, ErrorCode::ValidationError, detail).errors(errors).allowed_types(&allowed)
}
