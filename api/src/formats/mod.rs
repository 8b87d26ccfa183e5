//! Readers that turn the bytes of an upload into rows as they arrive, in constant memory.

mod bom;
mod csv;
mod json;
mod ndjson;
mod object;
mod task_object;
#[cfg(test)]
mod testing;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use muster_application::imports::{ImportRow, RowProblem};
use muster_application::tasks::COLUMNS;
use muster_domain::operations::MatchBy;
use serde_json::{Map, Value};

pub use self::csv::CsvReader;
pub use self::json::JsonReader;
pub use self::ndjson::NdjsonReader;

/// Bytes a row may take in the upload, without its line end; a longer one becomes a `row_too_long` problem.
pub const MAX_ROW_BYTES: usize = 64 * 1024;

const EMAIL: &str = "email";
const USERNAME: &str = "username";
const FULL_NAME: &str = "full_name";
const ID: &str = "id";
const IS_ACTIVE: &str = "is_active";
const ROW: &str = "row";

/// What rows may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fields {
    /// Whether they give the id of a user who is there; else a field of that name means nothing.
    id: bool,
    /// Whether they say if the user may act, and that a name is to be cleared.
    state: bool,
    /// Whether they give the number of the row that they correct.
    number: bool,
    /// By what names they say something of a task; none where they are about users.
    task: Option<&'static [&'static str]>,
    /// Columns that a CSV header must have.
    required: &'static [&'static str],
}

impl Fields {
    /// Of users to be made.
    pub const IMPORT: Self = Self { id: false, state: false, number: false, task: None, required: &[EMAIL, USERNAME] };
    /// Of users to be made, or found by their id.
    pub const IMPORT_BY_ID: Self = Self { id: true, ..Self::IMPORT };

    /// Of tasks to be made.
    pub const TASKS: Self = Self { task: Some(&COLUMNS), required: &["title"], ..Self::IMPORT };
    /// Of tasks that something is done to.
    pub const TASK_CHANGE: Self = Self { id: true, task: Some(&[]), required: &[ID], ..Self::IMPORT };

    /// Of changes to users who are found by this.
    pub const fn change(by: MatchBy) -> Self {
        let required: &[&str] = match by {
            MatchBy::Id => &[ID],
            MatchBy::Email => &[EMAIL],
            MatchBy::Username => &[USERNAME],
        };
        Self { id: true, state: true, number: false, task: None, required }
    }

    /// The array of a JSON body that has the rows, and what each of them is.
    const fn list(self) -> (&'static str, &'static str) {
        if self.task.is_some() { ("tasks", "task") } else { ("users", "user") }
    }

    /// The name by which rows about tasks know a member or a column, if it means something in them.
    fn known(self, name: &str) -> Option<&'static str> {
        let ids = [(ID, self.id), (ROW, self.number)];
        let ids = ids.into_iter().filter(|(_, is_known)| *is_known).map(|(known, _)| known);
        self.task.unwrap_or_default().iter().copied().chain(ids).find(|known| *known == name)
    }

    /// Of corrections to such rows.
    pub const fn corrected(self) -> Self {
        Self { number: true, required: &[ROW], ..self }
    }
}

/// Reads the rows of an upload as its bytes arrive.
///
/// How the bytes are cut into pieces makes no difference to the rows. After an error the upload is lost
/// and the reader is of no further use.
pub trait RowReader: Send {
    /// Takes the next bytes; calls `row` for every row that they complete.
    ///
    /// # Errors
    /// What makes the upload as a whole unreadable. Rows given before then count for nothing.
    fn push(&mut self, bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError>;

    /// The upload has ended: gives the last row and what was noticed. To be called once.
    ///
    /// # Errors
    /// As [`RowReader::push`], and when the upload ends too early.
    fn finish(&mut self, row: &mut dyn FnMut(ImportRow<'_>)) -> Result<Trailer, FormatError>;
}

/// What a reader knows at the end.
#[derive(Debug, Default, PartialEq)]
pub struct Trailer {
    /// Columns of a CSV header that mean nothing here: at most 50 names of at most 100 characters.
    /// Unknown members of NDJSON and JSON rows are ignored without a word.
    pub unknown_fields: Vec<String>,
    /// Of a JSON body, all members beside its rows.
    pub envelope: Option<Map<String, Value>>,
}

/// The upload as a whole cannot be read: a 422 with this code and detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    /// `empty`, `csv_header`, `invalid_json`, `missing_users`, `missing_tasks` or `envelope_too_long`.
    pub code: &'static str,
    /// What is wrong, for people. Never a value from the upload.
    pub detail: String,
    /// Line of the file or, for a JSON body, position of the element in `users`; from 1, where known.
    pub line: Option<u64>,
}

impl FormatError {
    fn new(code: &'static str, line: Option<u64>, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), line }
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl Error for FormatError {}

fn problem(field: Option<&'static str>, code: &'static str, detail: impl Into<Cow<'static, str>>) -> RowProblem {
    RowProblem { field: field.map(Cow::Borrowed), code: Cow::Borrowed(code), detail: detail.into() }
}

fn row_too_long() -> RowProblem {
    problem(None, "row_too_long", "a row may take at most 64 KiB (65536 bytes)")
}

/// A body that is one user, without any rule applied; none if it is no JSON object.
pub(crate) fn read_user(body: &[u8]) -> Option<ImportRow<'_>> {
    object::read_object(body, 1, Fields::IMPORT).ok()
}

/// A corrected row; none if it is no JSON object.
pub(crate) fn read_corrected(row: &[u8], position: u64, fields: Fields) -> Option<ImportRow<'_>> {
    object::read_object(row, position, fields.corrected()).ok()
}

/// What a number of a row must be.
fn wrong_number() -> RowProblem {
    problem(Some(ROW), "wrong_type", "row must be the number of the row that is corrected")
}

/// A row of which nothing could be read.
fn unreadable(line: u64, problem: RowProblem) -> ImportRow<'static> {
    ImportRow { line, problems: vec![problem], ..ImportRow::default() }
}
