//! Reading the rows of an upload as they come in.

use muster_application::imports::{ImportRow, Upload};

use crate::body::BodyReader;
use crate::formats::{RowReader, Trailer};
use crate::problem::Problem;

/// An upload whose rows are all read.
pub(crate) struct Received {
    pub(crate) upload: Upload,
    /// What the reader noticed.
    pub(crate) trailer: Trailer,
    /// How many rows there are.
    pub(crate) rows: u32,
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
pub(crate) async fn receive(
    upload: Upload,
    mut body: BodyReader,
    mut reader: Box<dyn RowReader>,
) -> Result<Received, Problem> {
    let mut rows = Rows { upload, count: 0, failure: None };
    while let Some(bytes) = body.next().await? {
        rows.upload.absorb(&bytes);
        reader.push(&bytes, &mut |row| rows.push(&row))?;
        rows.check()?;
        rows.upload.flush().await?;
    }
    let trailer = reader.finish(&mut |row| rows.push(&row))?;
    rows.check()?;
    Ok(Received { upload: rows.upload, trailer, rows: rows.count })
}
