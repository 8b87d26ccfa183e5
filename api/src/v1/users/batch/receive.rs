use muster_application::imports::{ImportRow, Submitted, Upload};
use muster_domain::operations::UploadFormat;

use super::options::Asked;
use crate::body::BodyReader;
use crate::formats::{CsvReader, JsonReader, NdjsonReader, RowReader};
use crate::problem::Problem;

/// An upload that has ended.
pub(super) struct Received {
    pub(super) submitted: Submitted,
    pub(super) rows: u32,
}

/// Where rows go as a reader finds them. A reader cannot be stopped, so the first failure is kept.
struct Rows {
    upload: Upload,
    count: u32,
    failure: Option<Problem>,
}

impl Rows {
    fn push(&mut self, row: &ImportRow<'_>) {
        if self.failure.is_some() {
            return;
        }
        match self.upload.push(row) {
            Ok(()) => self.count += 1,
            Err(error) => self.failure = Some(error.into()),
        }
    }

    fn check(&mut self) -> Result<(), Problem> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

/// Reads the body to its end and stores its rows. On any failure, and when the client goes away, the upload is dropped
/// and takes back what it stored.
pub(super) async fn receive(
    upload: Upload,
    mut body: BodyReader,
    format: UploadFormat,
    asked: Asked,
) -> Result<Received, Problem> {
    let mut reader: Box<dyn RowReader> = match format {
        UploadFormat::Json => Box::new(JsonReader::new()),
        UploadFormat::Ndjson => Box::new(NdjsonReader::new()),
        UploadFormat::Csv => Box::new(CsvReader::new()),
    };
    let mut rows = Rows { upload, count: 0, failure: None };
    while let Some(bytes) = body.next().await? {
        rows.upload.absorb(&bytes);
        reader.push(&bytes, &mut |row| rows.push(&row))?;
        rows.check()?;
        rows.upload.flush().await?;
    }
    let trailer = reader.finish(&mut |row| rows.push(&row))?;
    rows.check()?;
    let asked = trailer.envelope.as_ref().map_or(Ok(asked), |envelope| asked.overruled_by(envelope))?;
    let submitted = rows.upload.finish(asked.or_default(format), &trailer.unknown_fields).await?;
    Ok(Received { submitted, rows: rows.count })
}
