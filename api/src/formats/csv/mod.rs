mod header;
mod lines;
mod record;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use muster_application::csv::as_meant;
use muster_application::imports::{ImportRow, RowProblem};
use serde_json::{Map, Value};

use self::header::{Columns, named_columns, read_header};
use self::lines::Lines;
use self::record::Record;
use super::bom::Bom;
use super::{
    EMAIL, FULL_NAME, Fields, FormatError, ID, IS_ACTIVE, ROW, RowReader, Trailer, USERNAME, problem, row_too_long,
    wrong_number,
};

/// Reads CSV with a header row: commas, double quotes, and CRLF, LF or CR as line end.
///
/// Empty lines are skipped, empty cells are absent, spaces in cells stay, and an
/// apostrophe that keeps a spreadsheet from calculating a cell is taken off. A record with a problem as
/// a whole (`column_count`, `row_too_long`, `unterminated_quote`) comes without fields.
#[derive(Debug)]
pub struct CsvReader {
    fields: Fields,
    bom: Bom,
    lines: Lines,
    record: Record,
    columns: Option<Columns>,
    unknown_fields: Vec<String>,
}

impl Default for CsvReader {
    fn default() -> Self {
        Self::new(Fields::IMPORT)
    }
}

impl CsvReader {
    /// A reader at the start of an upload.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            bom: Bom::default(),
            lines: Lines::default(),
            record: Record::new(),
            columns: None,
            unknown_fields: Vec::new(),
        }
    }

    fn take(&mut self, mut bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        loop {
            if !self.record.is_started() {
                bytes = self.lines.skip_blank(bytes);
                self.record.line = self.lines.current;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let (used, complete) = self.record.feed(bytes);
            let (used, rest) = bytes.split_at_checked(used).unwrap_or((bytes, &[]));
            self.lines.count(used);
            bytes = rest;
            if complete {
                self.complete(false, row)?;
            }
        }
    }

    fn complete(&mut self, unterminated: bool, row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        if let Some(columns) = &self.columns {
            row(read_row(&self.record, columns, unterminated));
        } else {
            let (columns, unknown_fields) = read_header(&self.record, unterminated, self.fields)?;
            self.columns = Some(columns);
            self.unknown_fields = unknown_fields;
        }
        self.record.clear();
        Ok(())
    }
}

impl RowReader for CsvReader {
    fn push(&mut self, bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        let (held_back, bytes) = self.bom.strip(bytes);
        self.take(held_back, row)?;
        self.take(bytes, row)
    }

    fn finish(&mut self, row: &mut dyn FnMut(ImportRow<'_>)) -> Result<Trailer, FormatError> {
        let held_back = self.bom.finish();
        self.take(held_back, row)?;
        if self.record.is_started() {
            let unterminated = !self.record.end();
            self.complete(unterminated, row)?;
        }
        if self.columns.is_none() {
            let columns = named_columns(self.fields.required);
            let detail = format!("the file is empty; it must start with a header row with the {columns}");
            return Err(FormatError::new("empty", None, detail));
        }
        Ok(Trailer { unknown_fields: std::mem::take(&mut self.unknown_fields), envelope: None })
    }
}

fn read_row<'a>(record: &'a Record, columns: &Columns, unterminated: bool) -> ImportRow<'a> {
    if unterminated || record.is_too_long() || record.columns != columns.count {
        return bad_row(record, columns, unterminated);
    }
    let mut row = ImportRow { line: record.line, ..ImportRow::default() };
    let problems = &mut row.problems;
    row.email = read_cell(record, columns.email, EMAIL, problems);
    row.username = read_cell(record, columns.username, USERNAME, problems);
    row.full_name = read_cell(record, columns.full_name, FULL_NAME, problems);
    row.id = read_cell(record, columns.id, ID, problems);
    row.is_active = read_cell(record, columns.is_active, IS_ACTIVE, problems).and_then(|text| {
        let flag = if text == "true" { Some(true) } else { (text == "false").then_some(false) };
        if flag.is_none() {
            problems.push(problem(Some(IS_ACTIVE), "wrong_type", "is_active must be true or false"));
        }
        flag
    });
    row.retried = read_cell(record, columns.row, ROW, problems).and_then(|text| {
        let number = text.parse().ok();
        if number.is_none() {
            problems.push(wrong_number());
        }
        number
    });
    row.task = read_task(record, columns, &mut row.problems);
    row
}

/// What a record says of a task: empty cells say nothing, and lists have semicolons between their items.
fn read_task(record: &Record, columns: &Columns, problems: &mut Vec<RowProblem>) -> Option<Box<Map<String, Value>>> {
    let mut said = Map::new();
    for (name, column) in &columns.task {
        let Some(text) = read_cell(record, *column, name, problems) else { continue };
        let value = if matches!(*name, "tags" | "remind_at") {
            text.split(';').map(str::trim).filter(|item| !item.is_empty()).collect()
        } else {
            Value::from(text)
        };
        said.insert((*name).to_owned(), value);
    }
    (!said.is_empty()).then(|| Box::new(said))
}

fn read_cell<'a>(
    record: &'a Record,
    column: Option<usize>,
    field: &'static str,
    problems: &mut Vec<RowProblem>,
) -> Option<Cow<'a, str>> {
    match std::str::from_utf8(record.cell(column?)) {
        Ok("") => None,
        Ok(text) => Some(Cow::Borrowed(as_meant(text))),
        Err(_) => {
            let detail = format!("{field} is not valid UTF-8");
            problems.push(problem(Some(field), "invalid_utf8", detail));
            None
        }
    }
}

#[cold]
fn bad_row(record: &Record, columns: &Columns, unterminated: bool) -> ImportRow<'static> {
    let as_a_whole = if record.is_too_long() {
        Some(row_too_long())
    } else if unterminated {
        None
    } else {
        let (expected, found) = (columns.count, record.columns);
        let plural = if expected == 1 { "" } else { "s" };
        let detail = format!("expected {expected} column{plural}, found {found}");
        Some(problem(None, "column_count", detail))
    };
    let quote = unterminated.then(|| {
        problem(
            None,
            "unterminated_quote",
            "a cell that starts on this row has no closing quote, so all that follows belongs to it",
        )
    });
    ImportRow { line: record.line, problems: as_a_whole.into_iter().chain(quote).collect(), ..ImportRow::default() }
}
