//! The file that an export has written, whole or in part.

use std::ops::Range;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream, TryStreamExt};
use muster_application::exports::FileBytes;
use muster_application::{AppError, ErrorCode};
use muster_domain::OperationId;
use muster_domain::operations::{OperationFile, UploadFormat};
use uuid::Uuid;

use super::file_view::etag;
use super::whole::{CSV, NDJSON, broke_off};
use crate::extract::{Id, Ranged, Tenant, has_current};
use crate::problem::Problem;
use crate::refusals::OfFile;
use crate::state::Shared;

/// A file as it may be.
const EXAMPLE: &str = "{\"id\":\"01981c5e-7a00-7000-8000-000000000001\",\"email\":\"ada@example.com\",\"username\":\"ada\",\"full_name\":\"Ada King\",\"is_active\":true,\"created_at\":\"2026-01-31T12:00:00.000000Z\",\"updated_at\":\"2026-01-31T12:00:00.000000Z\",\"version\":1}\n";
const CSV_EXAMPLE: &str = "id,email,username,full_name,is_active,created_at,updated_at,version\r\n01981c5e-7a00-7000-8000-000000000001,ada@example.com,ada,Ada King,true,2026-01-31T12:00:00.000000Z,2026-01-31T12:00:00.000000Z,1\r\n";

/// The file of an export
///
/// All users whom the export means, as they were at one moment. A download that broke off goes on with `Range` and
/// `If-Range`; several ranges at once are answered with all of the file. It can be read until `file.expires_at` of the operation.
#[utoipa::path(
    get, path = "/api/v1/operations/{id}/file", operation_id = "get_operation_file", tag = "Operations",
    params(
        ("id" = uuid::Uuid, Path, description = "Which operation"),
        ("Range" = Option<String>, Header, description = "Which bytes; one range", example = "bytes=0-1048575"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the file of which the client has a part: all of it is answered if it is another one", example = "\"af1349b9f5f9a1a6a0404dea36dcc949\""),
        ("If-None-Match" = Option<String>, Header, description = "An `ETag` the client has", example = "\"af1349b9f5f9a1a6a0404dea36dcc949\""),
    ),
    responses(
        (status = 200, description = "All of it", content((String = "application/x-ndjson", example = json!(EXAMPLE)), (String = "text/csv", example = json!(CSV_EXAMPLE))), headers(("ETag" = String, description = "BLAKE3 of the file"), ("Accept-Ranges" = String), ("Content-Disposition" = String))),
        (status = 206, description = "The range", content((String = "application/x-ndjson", example = json!(EXAMPLE)), (String = "text/csv", example = json!(CSV_EXAMPLE))), headers(("ETag" = String, description = "BLAKE3 of the file"), ("Accept-Ranges" = String), ("Content-Disposition" = String), ("Content-Range" = String))),
        (status = 304, description = "The client has it", headers(("ETag" = String, description = "BLAKE3 of the file"))),
        OfFile,
    ),
    security(("tenant_token" = []), ("bearer" = []))
)]
pub(crate) async fn file(
    State(state): State<Shared>,
    Tenant(ctx): Tenant,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let operation = OperationId::new(id);
    let file = state.app.operation_file(&ctx, operation).await?;
    let etag = etag(&file);
    if has_current(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let part = match Ranged::of(&headers, &etag, file.bytes) {
        Ranged::Whole => None,
        Ranged::Part(range) => Some(range),
        Ranged::Nothing => return Err(nothing_there(file.bytes)),
    };
    let range = part.clone().unwrap_or(0..file.bytes);
    let length = range.end - range.start;
    let bytes = state.app.read_file(&ctx, operation, &file, range);
    let mut response = Body::from_stream(stream(bytes, id)).into_response();
    if let Some(Range { start, end }) = part {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        set(&mut response, CONTENT_RANGE, format!("bytes {start}-{}/{}", end - 1, file.bytes));
    }
    set(&mut response, CONTENT_LENGTH, length.to_string());
    set(&mut response, CONTENT_TYPE, media_type(&file).to_owned());
    set(&mut response, CONTENT_DISPOSITION, format!("attachment; filename=\"users-{id}.{}\"", file.format.name()));
    set(&mut response, ACCEPT_RANGES, "bytes".to_owned());
    set(&mut response, ETAG, etag);
    Ok(response)
}

fn set(response: &mut Response, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
}

const fn media_type(file: &OperationFile) -> &'static str {
    match file.format {
        UploadFormat::Csv => CSV,
        UploadFormat::Ndjson | UploadFormat::Json => NDJSON,
    }
}

fn nothing_there(bytes: u64) -> Problem {
    let detail = format!("the file has {bytes} bytes; ask for some of these");
    let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::RangeNotSatisfiable, detail);
    let length = HeaderValue::try_from(format!("bytes */{bytes}"));
    length.map(|length| problem.clone().header(CONTENT_RANGE, length)).unwrap_or(problem)
}

/// Parts are read as the client takes them. One that cannot be read breaks the answer off, which its length shows.
fn stream(bytes: FileBytes, id: Uuid) -> impl Stream<Item = Result<bytes::Bytes, AppError>> + Send + 'static {
    let parts =
        stream::try_unfold(bytes, |mut bytes| async move { Ok(bytes.next_bytes().await?.map(|part| (part, bytes))) });
    parts.inspect_err(move |error| broke_off(id, error))
}
