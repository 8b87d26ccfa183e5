use bytes::Bytes;

use super::OperationState;

/// Tells one outcome of a dry run from another, without values.
pub type PlanDigest = [u8; 32];

/// Rows of a block: the unit of one transaction.
pub const BLOCK_ROWS: u32 = 10_000;

/// The rows of a block, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockPayload {
    /// Number of the block within its operation, from 0.
    pub number: u32,
    /// Number of its first row within the operation, from 1.
    pub first_row: u32,
    /// How many rows it has; at least 1, but none of an export.
    pub rows: u32,
    /// NDJSON, compressed with zstd: its rows, or whom an export means.
    pub data: Bytes,
}

/// What a block's transaction did: its line in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockOutcome {
    /// Users that were made.
    pub created: u32,
    /// Users who were there before and were changed, each with its row in `operation_rows`.
    pub changed: u32,
    /// Rows that changed nothing although nothing is wrong with them, each with its row in `operation_rows`.
    pub skipped: u32,
    /// Rows that failed, each with its reasons in `operation_rows`.
    pub failed: u32,
    /// Users that were written to a file.
    pub exported: u32,
}

impl BlockOutcome {
    /// Of a block that made users and changed nobody.
    pub const fn made(created: u32, failed: u32) -> Self {
        Self { created, changed: 0, skipped: 0, failed, exported: 0 }
    }
}

/// A block, locked for the one transaction that does it.
#[derive(Debug, Clone)]
pub struct Block {
    /// Its rows.
    pub payload: BlockPayload,
    /// What came of it; none until it is done.
    pub outcome: Option<BlockOutcome>,
    /// What it has to come to, because that was planned.
    pub expected: Option<PlanDigest>,
    /// Number of the latest attempt at its file, from 1; 0 before the first. Of exports only.
    pub attempt: u32,
    /// Where its operation was when the block was locked.
    pub operation: OperationState,
}

impl BlockPayload {
    /// Number of the last row.
    pub const fn last_row(&self) -> u32 {
        (self.first_row + self.rows).saturating_sub(1)
    }
}

/// A block as it was uploaded, and what came of it, for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadedBlock {
    /// Number of the block within its operation, from 0.
    pub number: u32,
    /// Number of its first row within the operation, from 1.
    pub first_row: u32,
    /// How many rows it has; at least 1.
    pub rows: u32,
    /// NDJSON, compressed with zstd; none when it was removed because the operation ended long ago.
    pub data: Option<Bytes>,
    /// What came of it; none until it is done.
    pub outcome: Option<BlockOutcome>,
}
