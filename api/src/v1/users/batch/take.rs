use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use muster_application::Context;
use muster_application::imports::NewUpload;
use muster_domain::operations::{OperationKind, UploadFormat};

use super::answer::Answer;
use super::media::format_of;
use super::options::Asked;
use super::wait::patience;
use crate::body::{BodyReader, Encoding};
use crate::extract::{IdempotencyKey, Params, Prefer};
use crate::formats::{CsvReader, Fields, JsonReader, NdjsonReader, RowReader};
use crate::problem::Problem;
use crate::state::ApiState;
use crate::upload::{Received, receive};
use crate::v1::operations::follow;

/// A request that has come in but for its body.
pub(crate) struct Sent {
    pub(crate) key: IdempotencyKey,
    pub(crate) prefer: Prefer,
    pub(crate) params: Params,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// Takes the rows of a batch of users or tasks as they come in, makes an operation of them, and answers.
pub(crate) async fn take(state: &ApiState, ctx: Context, kind: OperationKind, sent: Sent) -> Result<Response, Problem> {
    let Sent { key, prefer, params, headers, body } = sent;
    let format = format_of(&headers)?;
    let encoding = Encoding::of(&headers)?;
    let asked = Asked::in_query(&params)?;
    let limits = state.limits;
    let limit = if format == UploadFormat::Json { limits.json_bytes } else { limits.file_bytes };
    let body = BodyReader::new(body, encoding, limit, limits.idle);

    let fields = match kind {
        kind if kind.is_of_tasks() => Fields::TASKS,
        _ if asked.is_by_id() => Fields::IMPORT_BY_ID,
        _ => Fields::IMPORT,
    };
    let reader: Box<dyn RowReader> = match format {
        UploadFormat::Json => Box::new(JsonReader::new(fields)),
        UploadFormat::Ndjson => Box::new(NdjsonReader::new(fields)),
        UploadFormat::Csv => Box::new(CsvReader::new(fields)),
    };
    let new = NewUpload { kind, format, key: key.0, parent: None };
    let upload = state.app.begin_upload(ctx.clone(), new).await?;
    let Received { upload, trailer, rows } = receive(upload, body, reader).await?;
    let asked = trailer.envelope.as_ref().map_or(Ok(asked), |envelope| asked.overruled_by(envelope))?;
    let asked = if kind.is_of_tasks() { asked.of_tasks()? } else { asked };
    let submitted = upload.finish(asked.or_default(format)?, &trailer.unknown_fields).await?;
    let operation = follow(&state.app, &ctx, submitted.operation, patience(prefer, format, rows)).await?;
    Answer { app: &state.app, ctx: &ctx, prefer, replayed: submitted.replayed }.to(operation).await
}
