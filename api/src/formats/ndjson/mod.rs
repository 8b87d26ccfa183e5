#[cfg(test)]
mod tests;

use memchr::memchr;
use muster_application::imports::ImportRow;

use super::bom::Bom;
use super::object::{Unreadable, read_object};
use super::{Fields, FormatError, MAX_ROW_BYTES, RowReader, Trailer, problem, row_too_long, unreadable};

/// Reads newline-delimited JSON: one object per line, LF or CRLF, blank lines skipped.
///
/// A bad line is a row with a problem, so no upload is unreadable as a whole; an empty one has no rows.
#[derive(Debug)]
pub struct NdjsonReader {
    fields: Fields,
    bom: Bom,
    /// Lines that have ended.
    lines: u64,
    /// Start of a line whose end has not arrived.
    held: Vec<u8>,
    /// The line was too long to hold and is skipped up to its end.
    too_long: bool,
}

impl Default for NdjsonReader {
    fn default() -> Self {
        Self::new(Fields::IMPORT)
    }
}

impl NdjsonReader {
    /// A reader at the start of an upload.
    pub fn new(fields: Fields) -> Self {
        Self { fields, bom: Bom::default(), lines: 0, held: Vec::new(), too_long: false }
    }

    fn take(&mut self, mut bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) {
        while let Some((line, rest)) = memchr(b'\n', bytes).and_then(|end| bytes.split_at_checked(end)) {
            if self.held.is_empty() && !self.too_long {
                self.line(line, row);
            } else {
                self.hold(line);
                self.held_line(row);
            }
            bytes = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        self.hold(bytes);
    }

    fn hold(&mut self, bytes: &[u8]) {
        // One more than a row may take, as the last may turn out to be the CR of a line end.
        if self.held.len() + bytes.len() > MAX_ROW_BYTES + 1 {
            self.too_long = true;
            self.held.clear();
        } else if !self.too_long {
            self.held.extend_from_slice(bytes);
        }
    }

    fn held_line(&mut self, row: &mut dyn FnMut(ImportRow<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        self.line(&held, row);
        held.clear();
        self.held = held;
    }

    fn line(&mut self, line: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) {
        self.lines += 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if std::mem::take(&mut self.too_long) || line.len() > MAX_ROW_BYTES {
            row(unreadable(self.lines, row_too_long()));
        } else if line.first() == Some(&b'{') || !line.trim_ascii().is_empty() {
            row(read_object(line, self.lines, self.fields).unwrap_or_else(|why| bad_line(self.lines, &why)));
        }
    }
}

impl RowReader for NdjsonReader {
    fn push(&mut self, bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        let (held_back, bytes) = self.bom.strip(bytes);
        self.take(held_back, row);
        self.take(bytes, row);
        Ok(())
    }

    fn finish(&mut self, row: &mut dyn FnMut(ImportRow<'_>)) -> Result<Trailer, FormatError> {
        let held_back = self.bom.finish();
        self.take(held_back, row);
        if self.too_long || !self.held.is_empty() {
            self.held_line(row);
        }
        Ok(Trailer::default())
    }
}

fn bad_line(line: u64, why: &Unreadable) -> ImportRow<'static> {
    let problem = match why {
        Unreadable::Utf8 => problem(None, "invalid_utf8", "the line is not valid UTF-8"),
        Unreadable::NotObject => problem(None, "invalid_json", "each line must be a JSON object"),
        Unreadable::Json(column) => {
            problem(None, "invalid_json", format!("the line is not valid JSON (byte {column})"))
        }
    };
    unreadable(line, problem)
}
