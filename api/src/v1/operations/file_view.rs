use chrono::{DateTime, Utc};
use muster_domain::operations::OperationFile;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::FileFormatName;
use crate::v1::time;

/// The file that an export has written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OperationFile)]
pub(crate) struct FileView {
    /// Where it is.
    #[schema(example = "/api/v1/operations/01981c5e-7a00-7000-8000-000000000001/file")]
    href: String,
    /// `ndjson` or `csv`.
    #[schema(value_type = FileFormatName)]
    format: &'static str,
    /// How long it is.
    #[schema(example = 248_000)]
    bytes: u64,
    /// How many users are in it.
    #[schema(example = 1000)]
    rows: u32,
    /// BLAKE3 of its bytes; in quotes it is the `ETag`.
    #[schema(example = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")]
    blake3: String,
    /// From when on it is answered with 410.
    #[serde(serialize_with = "time::instant")]
    expires_at: DateTime<Utc>,
}

impl FileView {
    pub(super) fn new(file: &OperationFile, href: String) -> Self {
        let OperationFile { format, bytes, rows, expires_at, .. } = *file;
        Self { href, format: format.name(), bytes, rows, blake3: digest(file), expires_at }
    }
}

fn digest(file: &OperationFile) -> String {
    blake3::Hash::from_bytes(file.blake3).to_hex().to_string()
}

/// The `ETag` of a file, which is never written anew.
pub(super) fn etag(file: &OperationFile) -> String {
    format!("\"{}\"", digest(file))
}
