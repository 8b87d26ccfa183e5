use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::UploadFormat;
use crate::{OperationId, RepositoryError};

/// A file that an operation has written, whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationFile {
    /// The attempt whose parts it is made of.
    pub attempt: u32,
    /// How it is written.
    pub format: UploadFormat,
    /// How long it is.
    pub bytes: u64,
    /// How many users are in it.
    pub rows: u32,
    /// BLAKE3 of all its bytes.
    pub blake3: [u8; 32],
    /// When it was whole.
    pub created_at: DateTime<Utc>,
    /// From when on it cannot be read any more.
    pub expires_at: DateTime<Utc>,
}

impl OperationFile {
    /// Whether it cannot be read any more.
    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }
}

/// Bytes of a file that are stored together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePart {
    /// Where they begin in the file.
    pub offset: u64,
    /// How many they are.
    pub length: u32,
    /// The bytes, compressed with zstd.
    pub data: Bytes,
}

/// Files that operations write, and their parts, within one unit of work, and so within one tenant.
#[async_trait]
pub trait FileRepository: Send {
    /// Begins an attempt at the file of a locked block that is not done, and returns its number: one more than the latest.
    /// What earlier ones have counted is forgotten.
    async fn begin_attempt(&mut self, operation: OperationId, block: u32) -> Result<u32, RepositoryError>;

    /// Stores the next part of the latest attempt at the file of a locked block, and how many users are written so far.
    async fn append_part(
        &mut self,
        operation: OperationId,
        block: u32,
        part: &FilePart,
        exported: u32,
    ) -> Result<(), RepositoryError>;

    /// Stores that an attempt has written the whole file.
    async fn store_file(&mut self, operation: OperationId, file: &OperationFile) -> Result<(), RepositoryError>;

    /// The part of an attempt that has the byte at `offset`; none behind the end, or when it was removed.
    async fn part_at(
        &mut self,
        operation: OperationId,
        attempt: u32,
        offset: u64,
    ) -> Result<Option<FilePart>, RepositoryError>;

    /// Ends the attempts up to number `through` of blocks that are not done, so that no later number is one of them, and
    /// removes at most `at_most` parts of attempts up to it, whatever became of their blocks. Returns how many.
    async fn remove_parts(
        &mut self,
        operation: OperationId,
        through: u32,
        at_most: u32,
    ) -> Result<u32, RepositoryError>;

    /// Notes that no part of the file of an operation is left, if it has one: it is not outdated any more.
    async fn forget_file(&mut self, operation: OperationId, now: DateTime<Utc>) -> Result<(), RepositoryError>;
}
