use std::io::Read;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use muster_domain::operations::{BLOCK_ROWS, BlockPayload};

use zstd::stream::read::Decoder;

use super::ImportRow;
use crate::AppError;

/// Level 1 packs rows to about a quarter at the speed of memory; more buys little.
const ZSTD_LEVEL: i32 = 1;

/// Bytes that are unpacked at once.
const UNPACKED: u64 = 64 << 10;

/// Cuts rows into blocks as they come in. Holds at most one block that is not full.
#[derive(Default)]
pub struct BlockBuilder {
    buffer: Vec<u8>,
    rows_in_block: u32,
    rows: u32,
    blocks: u32,
    full: Vec<BlockPayload>,
}

impl BlockBuilder {
    /// Adds the next row.
    ///
    /// # Errors
    /// When it cannot be packed, which is a defect of ours.
    pub fn push(&mut self, row: &ImportRow<'_>) -> Result<(), AppError> {
        serde_json::to_writer(&mut self.buffer, row).map_err(AppError::internal)?;
        self.buffer.push(b'\n');
        self.rows_in_block += 1;
        self.rows += 1;
        if self.rows_in_block == BLOCK_ROWS { self.close() } else { Ok(()) }
    }

    /// Blocks that have become full since the last call.
    pub fn take_full(&mut self) -> Vec<BlockPayload> {
        std::mem::take(&mut self.full)
    }

    /// Whether a call of [`Self::take_full`] would give something.
    pub fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    /// Closes the last block; afterwards [`Self::take_full`] gives what remains.
    ///
    /// # Errors
    /// When it cannot be packed, which is a defect of ours.
    pub fn close(&mut self) -> Result<(), AppError> {
        if self.rows_in_block == 0 {
            return Ok(());
        }
        let data = pack(&self.buffer)?;
        self.full.push(BlockPayload {
            number: self.blocks,
            first_row: self.rows - self.rows_in_block + 1,
            rows: self.rows_in_block,
            data: Bytes::from(data),
        });
        self.blocks += 1;
        self.rows_in_block = 0;
        self.buffer.clear();
        Ok(())
    }

    /// Rows so far.
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Blocks so far, without one that is not full.
    pub const fn blocks(&self) -> u32 {
        self.blocks
    }
}

/// Packs bytes for storage.
pub(crate) fn pack(bytes: &[u8]) -> Result<Vec<u8>, AppError> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL).map_err(AppError::internal)
}

/// Unpacks the lines of a block; each is one [`ImportRow`].
///
/// # Errors
/// When the stored bytes are damaged.
pub fn decode_block(payload: &BlockPayload) -> Result<Vec<u8>, AppError> {
    zstd::stream::decode_all(payload.data.as_ref()).map_err(AppError::internal)
}

/// Reads the rows of a block one by one, so that a block that unpacks to much takes little memory.
pub struct BlockRows {
    lines: Decoder<'static, Reader<Bytes>>,
    /// What was unpacked; up to `read` it was read.
    buffer: Vec<u8>,
    read: usize,
}

impl BlockRows {
    /// The rows of what a block's payload holds.
    ///
    /// # Errors
    /// When they cannot be unpacked.
    pub fn new(data: Bytes) -> Result<Self, AppError> {
        let lines = Decoder::with_buffer(data.reader()).map_err(AppError::internal)?;
        Ok(Self { lines, buffer: Vec::new(), read: 0 })
    }

    /// The next row.
    ///
    /// # Errors
    /// When the stored bytes are damaged, or end too soon.
    pub fn next_row(&mut self) -> Result<ImportRow<'_>, AppError> {
        let mut start = self.read;
        let mut searched = start;
        let end = loop {
            let fresh = self.buffer.get(searched..).unwrap_or_default();
            if let Some(found) = fresh.iter().position(|byte| *byte == b'\n') {
                break searched + found;
            }
            self.buffer.drain(..std::mem::take(&mut start));
            searched = self.buffer.len();
            let unpacked = self.lines.by_ref().take(UNPACKED).read_to_end(&mut self.buffer);
            if unpacked.map_err(AppError::internal)? == 0 {
                return Err(AppError::internal("a block has fewer rows than it says"));
            }
        };
        self.read = end + 1;
        serde_json::from_slice(self.buffer.get(start..end).unwrap_or_default()).map_err(AppError::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_one_by_one_however_long() {
        let mut builder = BlockBuilder::default();
        let long = "x".repeat(60_000);
        for line in 1..=50 {
            let email = if line % 7 == 0 { long.clone() } else { format!("u{line}@example.com") };
            builder.push(&ImportRow { line, email: Some(email.into()), ..ImportRow::default() }).unwrap();
        }
        builder.close().unwrap();
        let mut rows = BlockRows::new(builder.take_full().remove(0).data).unwrap();
        for line in 1..=50 {
            let row = rows.next_row().unwrap();
            assert_eq!((row.line, row.email.as_deref() == Some(&*long)), (line, line % 7 == 0));
            assert!(rows.buffer.len() <= 200_000);
        }
        assert!(rows.next_row().is_err());
        assert!(BlockRows::new(Bytes::from_static(b"no zstd")).unwrap().next_row().is_err());
    }

    #[test]
    fn blocks_give_back_every_row_in_order() {
        let mut builder = BlockBuilder::default();
        for line in 0..u64::from(BLOCK_ROWS) + 3 {
            let email = format!("u{line}@example.com");
            builder.push(&ImportRow { line, email: Some(email.into()), ..ImportRow::default() }).unwrap();
        }
        builder.close().unwrap();
        let blocks = builder.take_full();
        assert_eq!((builder.rows(), builder.blocks()), (BLOCK_ROWS + 3, 2));
        assert_eq!(
            blocks.iter().map(|b| (b.number, b.first_row, b.rows)).collect::<Vec<_>>(),
            [(0, 1, BLOCK_ROWS), (1, BLOCK_ROWS + 1, 3)]
        );
        let text = decode_block(&blocks[1]).unwrap();
        let rows: Vec<ImportRow<'_>> =
            text.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
        assert_eq!(rows[2].email.as_deref(), Some("u10002@example.com"));
    }
}
