use csv_core::{ReadRecordResult, Reader};

use super::super::MAX_ROW_BYTES;

/// Columns a header may have; those of a longer record are only counted.
pub(super) const MAX_COLUMNS: usize = 1024;

/// The record that is being read.
#[derive(Debug)]
pub(super) struct Record {
    core: Reader,
    /// Cells without quotes, one after another.
    cells: Vec<u8>,
    filled: usize,
    /// Where in `cells` each cell ends.
    ends: Vec<usize>,
    /// Takes the ends of cells beyond [`MAX_COLUMNS`].
    surplus: [usize; 32],
    /// Bytes of the upload that the record takes so far, without its line end.
    bytes: usize,
    /// Cells so far.
    pub(super) columns: usize,
    /// Line on which the record starts.
    pub(super) line: u64,
}

impl Record {
    pub(super) fn new() -> Self {
        let mut core = Reader::new();
        // A reader which has never read takes a byte order mark off, but only if it comes in one piece.
        core.read_record(&[], &mut [], &mut []);
        Self {
            core,
            // One more than can be filled, so that a record which fills it is too long.
            cells: vec![0; MAX_ROW_BYTES + 1],
            filled: 0,
            ends: vec![0; MAX_COLUMNS],
            surplus: [0; 32],
            bytes: 0,
            columns: 0,
            line: 0,
        }
    }

    pub(super) fn is_started(&self) -> bool {
        self.bytes > 0
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.bytes > MAX_ROW_BYTES
    }

    pub(super) fn clear(&mut self) {
        self.filled = 0;
        self.bytes = 0;
        self.columns = 0;
    }

    /// Takes bytes, which must not be none; gives how many it took and whether the record is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        if self.is_too_long() {
            self.filled = 0;
        }
        let cells = self.cells.get_mut(self.filled..).unwrap_or_default();
        let ends = match self.ends.get_mut(self.columns..) {
            Some(ends) if !ends.is_empty() => ends,
            _ => &mut self.surplus,
        };
        let (result, used, filled, columns) = self.core.read_record(bytes, cells, ends);
        let complete = matches!(result, ReadRecordResult::Record);
        self.filled += filled;
        self.columns += columns;
        self.bytes += used - usize::from(complete);
        (used, complete)
    }

    /// The upload has ended; gives whether the record is complete, which it is not within quotes.
    ///
    /// The parser would end the record either way, so it is asked what it makes of a line end.
    pub(super) fn end(&mut self) -> bool {
        let bytes = self.bytes;
        let (_, complete) = self.feed(b"\n");
        self.bytes = bytes;
        complete
    }

    /// The bytes of a cell; none if there is no such column.
    pub(super) fn cell(&self, column: usize) -> &[u8] {
        let start = match column.checked_sub(1) {
            Some(before) => self.ends.get(before),
            None => Some(&0),
        };
        start.zip(self.ends.get(column)).and_then(|(start, end)| self.cells.get(*start..*end)).unwrap_or_default()
    }
}
