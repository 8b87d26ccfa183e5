//! `POST /api/v1/operations`: changes to users who are there, a few or hundreds of thousands, and exports of them.

mod export;
mod request;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use muster_application::Context;
use muster_application::imports::{NewUpload, Submitted};
use muster_domain::operations::{ErrorBudget, MatchBy, OnError, OperationKind, OperationOptions, UploadFormat};

use self::request::Request;
pub(crate) use self::request::{OperationRequest, wrong_filter};
use super::head;
use super::view::OperationView;
use crate::body::{BodyReader, Encoding};
use crate::extract::{IdempotencyKey, Params, Prefer, Uploader};
use crate::formats::{CsvReader, Fields, NdjsonReader, RowReader};
use crate::openapi::{ChangeKindName, MatchName, OnErrorName};
use crate::problem::Problem;
use crate::refusals::{OfBody, OfTenant};
use crate::state::{ApiState, Shared};
use crate::upload::{Received, receive};
use crate::v1::users::batch::format_of;

/// Bodies as they may be.
const NDJSON: &str = "{\"id\":\"01981c5e-7a00-7000-8000-000000000001\",\"full_name\":\"Ada King\"}\n";
const CSV: &str = "id,full_name\n01981c5e-7a00-7000-8000-000000000001,Ada King\n";

/// Change many users, or export them
///
/// JSON names users by their ids, up to 10 000, or by a filter as of the search; NDJSON and CSV have a row for each user, up
/// to 5 million, and `kind` in the query. Everybody is changed once, in blocks of 10 000; rows whose user is not there, or who
/// would get what another one has, fail and are reported.
///
/// JSON with `users.export` writes all users whom a filter means, as they are at one moment, to a file.
#[utoipa::path(
    post, path = "/api/v1/operations", operation_id = "begin_operation", tag = "Operations",
    params(
        ("kind" = inline(Option<ChangeKindName>), Query, description = "What rows of NDJSON and CSV do; JSON says it in its body"),
        ("match" = inline(Option<MatchName>), Query, description = "By what rows of NDJSON and CSV find their user: `id` (default), or `email` or `username` of the living"),
        ("on_error" = inline(Option<OnErrorName>), Query, description = "`continue` (default), or `abort`: up to 10 000 rows, all or none"),
        ("max_errors" = Option<String>, Query, description = "How many rows may fail before the operation is paused, as a number or as a share of all rows; default any", example = "0.5%", pattern = r"^([0-9]{1,9}|[0-9]{1,2}(\.[0-9]{1,2})?%|100%)$"),
        ("dry_run" = Option<bool>, Query, description = "Write nothing: a plan that tells what would become of each row, and that `apply` does as it is", example = false),
        IdempotencyKey,
        Prefer,
    ),
    request_body(content(
        (OperationRequest = "application/json"),
        (String = "application/x-ndjson", example = json!(NDJSON)),
        (String = "text/csv", example = json!(CSV)),
    )),
    responses(
        (status = 200, description = "The operation has ended within the wait", body = OperationView, headers(("Location" = String, description = "The operation"), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "Everything is stored; follow the operation", body = OperationView, headers(("Location" = String, description = "The operation"), ("Retry-After" = String), ("Preference-Applied" = String), ("Idempotent-Replayed" = String))),
        OfTenant, OfBody, crate::refusals::KeyInUse,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn begin(
    State(state): State<Shared>,
    Uploader(ctx): Uploader,
    key: IdempotencyKey,
    prefer: Prefer,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let format = format_of(&headers)?;
    let encoding = Encoding::of(&headers)?;
    let limits = state.limits;
    let limit = if format == UploadFormat::Json { limits.json_bytes } else { limits.file_bytes };
    let body = BodyReader::new(body, encoding, limit, limits.idle);
    let mut options = OperationOptions {
        send_welcome: false,
        match_by: MatchBy::Id,
        dry_run: params.flag("dry_run")?.unwrap_or_default(),
        max_errors: params.read("max_errors", ErrorBudget::RIGHT, ErrorBudget::parse)?,
        ..OperationOptions::of(
            params.read("on_error", "continue or abort", OnError::from_name)?.unwrap_or(OnError::Continue),
        )
    };
    let submitted = if format == UploadFormat::Json {
        let body = body.whole().await?;
        let members = request::members(&body)?;
        if let Some(new) = export::parse(&members, key.0.as_deref())? {
            for name in ["dry_run", "on_error", "max_errors", "match"] {
                if params.get(name)?.is_some() {
                    let detail = format!("{name} means nothing for an export, which writes to nobody");
                    return Err(Problem::invalid(format!("/query/{name}"), "invalid_option", detail));
                }
            }
            let submitted = state.app.begin_export(&ctx, new, &body).await?;
            return begun(&state, &ctx, submitted, prefer).await;
        }
        let request = Request::parse(&members)?;
        let new = NewUpload { kind: request.kind, format, key: key.0, parent: None };
        let mut upload = state.app.begin_upload(ctx.clone(), new).await?;
        upload.absorb(&body);
        request.push_to(&mut upload).await?;
        upload.finish(options, &[]).await?
    } else {
        let kind = params.read("kind", request::KINDS, request::kind)?;
        let kind = kind.ok_or_else(|| {
            Problem::invalid("/query/kind", "missing", format!("kind says what the rows do: {}", request::KINDS))
        })?;
        options.match_by = params.read("match", "id, email or username", MatchBy::from_name)?.unwrap_or(MatchBy::Id);
        if kind == OperationKind::UsersRestore && options.match_by != MatchBy::Id {
            let detail =
                "users.restore finds users by id: several of the deleted may have had the same address or name";
            return Err(Problem::invalid("/query/match", "invalid_option", detail));
        }
        if kind.is_of_tasks() && options.match_by != MatchBy::Id {
            let detail = "tasks are found by their ids";
            return Err(Problem::invalid("/query/match", "invalid_option", detail));
        }
        let fields = if kind.is_of_tasks() { Fields::TASK_CHANGE } else { Fields::change(options.match_by) };
        let reader: Box<dyn RowReader> = match format {
            UploadFormat::Csv => Box::new(CsvReader::new(fields)),
            _ => Box::new(NdjsonReader::new(fields)),
        };
        let upload = state.app.begin_upload(ctx.clone(), NewUpload { kind, format, key: key.0, parent: None }).await?;
        let Received { upload, trailer, .. } = receive(upload, body, reader).await?;
        upload.finish(options, &trailer.unknown_fields).await?
    };
    begun(&state, &ctx, submitted, prefer).await
}

async fn begun(state: &ApiState, ctx: &Context, submitted: Submitted, prefer: Prefer) -> Result<Response, Problem> {
    let patience = prefer.wait.unwrap_or_default();
    let operation = super::follow(&state.app, ctx, submitted.operation, patience).await?;
    Ok(answer(Submitted { operation, ..submitted }, prefer))
}

/// The operation: as its result when it has ended, else to be followed.
pub(super) fn answer(submitted: Submitted, prefer: Prefer) -> Response {
    let Submitted { operation, replayed } = submitted;
    let (id, has_ended) = (operation.id.get(), operation.state.is_final());
    let view = Json(OperationView::from(operation));
    let mut response = if has_ended {
        view.into_response()
    } else {
        (StatusCode::ACCEPTED, [(RETRY_AFTER, "1")], view).into_response()
    };
    head::tell(&mut response, id, has_ended, prefer, replayed);
    response
}
