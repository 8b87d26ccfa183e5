use std::ops::Range;

use bytes::Bytes;
use muster_domain::OperationId;
use muster_domain::operations::{OperationFile, OperationKind};

use crate::operations::refused;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Bytes of a file, read part by part: storage is asked for a part when it is wanted, and holds nothing in between.
pub struct FileBytes {
    app: App,
    ctx: Context,
    operation: OperationId,
    attempt: u32,
    range: Range<u64>,
}

impl App {
    /// The file that an export has written.
    ///
    /// # Errors
    /// `NotFound` when there is no such operation, or one that writes no file; `Conflict` when it has not ended, or ended
    /// without one; `Gone` when the file has expired.
    pub async fn operation_file(&self, ctx: &Context, id: OperationId) -> Result<OperationFile, AppError> {
        let operation = self.operation(ctx, id).await?;
        if operation.kind != OperationKind::UsersExport {
            return Err(AppError::not_found("file: the operation writes none"));
        }
        match operation.file {
            Some(file) if file.has_expired(self.ports.clock.now()) => Err(expired()),
            Some(file) => Ok(file),
            None => {
                let state = operation.state;
                let end = if state.is_final() { "it has ended without one" } else { "wait for its end" };
                let message = format!("an export that is {} has no file: {end}", state.name());
                Err(refused(message))
            }
        }
    }

    /// Bytes of a file that [`Self::operation_file`] gave.
    pub fn read_file(&self, ctx: &Context, id: OperationId, file: &OperationFile, range: Range<u64>) -> FileBytes {
        let range = range.start..range.end.min(file.bytes);
        FileBytes { app: self.clone(), ctx: ctx.clone(), operation: id, attempt: file.attempt, range }
    }
}

impl FileBytes {
    /// The next bytes, at least one; none behind the last.
    ///
    /// # Errors
    /// `Gone` when the file expires while it is read; `Unavailable` when storage is down.
    pub async fn next_bytes(&mut self) -> Result<Option<Bytes>, AppError> {
        let Range { start, end } = self.range;
        if start >= end {
            return Ok(None);
        }
        let mut uow = self.app.begin(&self.ctx).await?;
        let part = uow.files().part_at(self.operation, self.attempt, start).await?.ok_or_else(expired)?;
        uow.commit().await?;
        let length = usize::try_from(part.length).map_err(AppError::internal)?;
        let raw = Bytes::from(zstd::bulk::decompress(&part.data, length).map_err(AppError::internal)?);
        let within = |at: u64| usize::try_from(at - part.offset).unwrap_or(usize::MAX).min(raw.len());
        let bytes = raw.slice(within(start)..within(end));
        if bytes.is_empty() {
            return Err(AppError::internal("a part of a file is shorter than it says"));
        }
        self.range.start += u64::try_from(bytes.len()).map_err(AppError::internal)?;
        Ok(Some(bytes))
    }
}

fn expired() -> AppError {
    AppError::new(ErrorKind::Gone, ErrorCode::FileExpired, "the file has expired and was removed; export again")
}
