//! The rows of an operation as one file, streamed.

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use muster_application::operations::{Export, ExportFilter, ExportedRow};
use muster_application::{AppError, Context};
use muster_domain::OperationId;
use uuid::Uuid;

use super::whole_row::{fields, write_csv, write_csv_head, write_ndjson};
use crate::extract::Params;
use crate::problem::Problem;
use crate::state::ApiState;

/// Kinds of files.
pub(super) const NDJSON: &str = "application/x-ndjson";
pub(super) const CSV: &str = "text/csv; charset=utf-8; header=present";

/// How rows are answered as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    /// One object a line.
    Ndjson,
    /// The columns of an upload, and what became of the rows.
    Csv,
}

impl Whole {
    /// What was asked for, in the query or by `Accept`; none for pages of JSON.
    pub(super) fn asked(params: &Params, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let by_name = |name: &str| match name {
            "json" => Some(None),
            "ndjson" => Some(Some(Self::Ndjson)),
            "csv" => Some(Some(Self::Csv)),
            _ => None,
        };
        if let Some(format) = params.read("format", "json, ndjson or csv", by_name)? {
            return Ok(format);
        }
        let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        Ok(Self::best(accepted.flat_map(|value| value.split(','))))
    }

    /// The format that is wanted most; of several the one that is named first. What we do not have is passed over.
    fn best<'a>(accepted: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut best = (None, 0.0);
        for range in accepted {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "text/csv" => Some(Self::Csv),
                "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Ndjson),
                "application/json" | "application/*" | "*/*" => None,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            let quality = quality.map_or(1.0, |text| text.parse::<f32>().unwrap_or(0.0));
            if quality > best.1 {
                best = (format, quality);
            }
        }
        best.0
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => NDJSON,
            Self::Csv => CSV,
        }
    }

    /// What comes before the first row.
    fn head(self, fields: &'static [&'static str]) -> Bytes {
        let mut head = Vec::new();
        if self == Self::Csv {
            write_csv_head(&mut head, fields);
        }
        head.into()
    }

    fn write(self, out: &mut Vec<u8>, row: ExportedRow, fields: &'static [&'static str]) -> Result<(), AppError> {
        match self {
            Self::Ndjson => write_ndjson(out, row, fields)?,
            Self::Csv => write_csv(out, &row, fields),
        }
        Ok(())
    }

    /// Answers with the file.
    pub(super) async fn answer(
        self,
        state: &ApiState,
        ctx: &Context,
        id: Uuid,
        params: &Params,
    ) -> Result<Response, Problem> {
        for name in ["cursor", "limit"] {
            if params.get(name)?.is_some() {
                let detail = format!("{name} is for pages of JSON; a file has all rows");
                return Err(Problem::invalid(format!("/query/{name}"), "invalid_parameter", detail));
            }
        }
        let right = "all, failed, mail_refused, created, skipped or pending";
        let filter = params.read("status", right, ExportFilter::from_name)?.unwrap_or(ExportFilter::All);
        let export = state.app.export_rows(ctx, OperationId::new(id), filter).await?;
        let part = params.get("status")?.filter(|_| filter != ExportFilter::All);
        let part = part.map(|name| format!("-{name}")).unwrap_or_default();
        let file = format!("attachment; filename=\"operation-{id}{part}.{}\"", self.extension());
        let mut response = Body::from_stream(self.stream(export, id)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type()));
        headers.insert(VARY, HeaderValue::from_static("accept"));
        if let Ok(file) = HeaderValue::try_from(file) {
            headers.insert(CONTENT_DISPOSITION, file);
        }
        Ok(response)
    }

    /// Pages are read as the client takes them. A page that cannot be read breaks the answer off, so that nobody takes half
    /// a file for all of it.
    fn stream(self, export: Export, id: Uuid) -> impl Stream<Item = Result<Bytes, AppError>> + Send + 'static {
        let fields = fields(export.operation());
        let pages = stream::try_unfold(export, move |mut export| async move {
            let Some(page) = export.next_page().await? else { return Ok(None) };
            let mut out = Vec::new();
            for row in page {
                self.write(&mut out, row, fields)?;
            }
            Ok(Some((Bytes::from(out), export)))
        });
        let pages = pages.inspect_err(move |error| broke_off(id, error));
        stream::once(async move { Ok(self.head(fields)) }).chain(pages)
    }
}

/// Said here, because the answer has begun and can only end.
pub(super) fn broke_off(operation: Uuid, error: &AppError) {
    let source = error.source.as_deref().map(|source| source as &dyn std::error::Error);
    tracing::warn!(operation.id = %operation, code = error.code.name(), error = source, "a download broke off");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_is_accepted_most() {
        for (accept, format) in [
            ("", None),
            ("*/*", None),
            ("application/json", None),
            ("text/csv", Some(Whole::Csv)),
            ("Text/CSV; charset=utf-8", Some(Whole::Csv)),
            ("application/x-ndjson", Some(Whole::Ndjson)),
            ("application/jsonl, text/csv", Some(Whole::Ndjson)),
            ("application/json;q=0.5, text/csv;q=0.9", Some(Whole::Csv)),
            ("text/csv;q=0.5, */*", None),
            ("text/csv;q=0, */*;q=0.1", None),
            ("image/png, text/csv;q=0.1", Some(Whole::Csv)),
            ("text/csv;q=x", None),
        ] {
            assert_eq!(Whole::best(accept.split(',')), format, "{accept}");
        }
    }
}
