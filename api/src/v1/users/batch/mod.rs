//! `POST /api/v1/users/batch`: from one user to millions in one request.

mod answer;
mod created;
mod media;
mod options;
mod row_errors;
mod take;
mod wait;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use self::created::BatchCreated;
pub(crate) use self::media::format_of;
pub(crate) use self::row_errors::RowErrors;
pub(crate) use self::take::{Sent, take};
use crate::extract::{IdempotencyKey, Params, Prefer, Uploader};
use crate::openapi::{MatchName, OnConflictName, OnErrorName};
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant, Taken};
use crate::state::Shared;
use crate::v1::operations::view::OperationView;
use muster_domain::operations::OperationKind;

/// Bodies as they may be.
const NDJSON: &str = "{\"email\":\"ada@example.com\",\"username\":\"ada\",\"full_name\":\"Ada Lovelace\"}\n";
const CSV: &str = "email,username,full_name\nada@example.com,ada,Ada Lovelace\n";

/// The JSON body. For documentation only: the body is read as it streams in.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; rows are read one by one instead")]
pub(crate) struct BatchRequest {
    /// 1 to 10 000 users.
    #[schema(min_items = 1, max_items = 10_000)]
    users: Vec<UserCreate>,
    /// `abort` (default: all or nothing) or `continue`.
    #[schema(value_type = Option<OnErrorName>)]
    on_error: Option<String>,
    /// Whether each new user gets a welcome mail; default true.
    #[schema(example = true)]
    send_welcome: Option<bool>,
    /// How many rows may fail before the operation is paused, as a number or as a share of all rows.
    #[schema(example = "0.5%")]
    max_errors: Option<String>,
    /// What to do with a row whose user is there already: `fail` (default), `skip`, `update` or `replace`.
    #[schema(value_type = Option<OnConflictName>)]
    on_conflict: Option<String>,
    /// Whether to tell only what would become of the rows; default false.
    #[schema(example = false)]
    dry_run: Option<bool>,
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body in the OpenAPI document; rows are read one by one instead")]
pub(crate) struct UserCreate {
    /// Reduced to the address itself, in lower case.
    #[schema(format = Email, max_length = 255, example = "ada@example.com")]
    email: String,
    /// Letters, digits, `_` and `-`.
    #[schema(min_length = 3, max_length = 100, pattern = "^[a-zA-Z0-9_-]+$", example = "ada")]
    username: String,
    /// Control characters are stripped.
    #[schema(max_length = 255, example = "Ada Lovelace")]
    full_name: Option<String>,
}

/// Make users, few or many
///
/// JSON takes up to 10 000 users, NDJSON and CSV (header row `email,username,full_name` in any order) up to 5 million.
/// The body may be compressed (`Content-Encoding: gzip` or `zstd`). Up to 100 JSON users are answered when they are
/// done; anything larger at once, with an operation to follow.
#[utoipa::path(
    post, path = "/api/v1/users/batch", operation_id = "create_users", tag = "Users",
    params(
        ("on_error" = inline(Option<OnErrorName>), Query, description = "`continue` (default for NDJSON and CSV) or `abort` (default for JSON)"),
        ("send_welcome" = Option<bool>, Query, description = "Whether each new user gets a welcome mail; default true", example = true),
        ("max_errors" = Option<String>, Query, description = "How many rows may fail before the operation is paused, as a number or as a share of all rows; default any", example = "0.5%", pattern = r"^([0-9]{1,9}|[0-9]{1,2}(\.[0-9]{1,2})?%|100%)$"),
        ("on_conflict" = inline(Option<OnConflictName>), Query, description = "What to do with a row whose user is there already: `fail` (default), `skip` it, `update` the fields that it gives, or `replace`, which also clears those that it does not give"),
        ("match" = inline(Option<MatchName>), Query, description = "By what a row finds its user; default `email`. With `id` rows that give an `id` are about that user, in NDJSON and CSV; those without make one"),
        ("dry_run" = Option<bool>, Query, description = "Write nothing: a plan that tells what would become of each row, and that `apply` does as it is", example = false),
        IdempotencyKey,
        Prefer,
    ),
    request_body(content(
        (BatchRequest = "application/json"),
        (String = "application/x-ndjson", example = json!(NDJSON)),
        (String = "text/csv", example = json!(CSV)),
    )),
    responses(
        (status = 201, description = "JSON: the users are there", body = BatchCreated, headers(("Location" = String, description = "The operation"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 200, description = "NDJSON, CSV and dry runs: the operation has ended within the wait", body = OperationView, headers(("Location" = String, description = "The operation"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "Everything is stored; follow the operation", body = OperationView, headers(("Location" = String, description = "The operation"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfTenant, OfBody, Taken,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn batch(
    State(state): State<Shared>,
    Uploader(ctx): Uploader,
    key: IdempotencyKey,
    prefer: Prefer,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    take(&state, ctx, OperationKind::UsersImport, Sent { key, prefer, params, headers, body }).await
}
