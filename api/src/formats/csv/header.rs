use super::super::{EMAIL, FULL_NAME, Fields, FormatError, ID, IS_ACTIVE, ROW, USERNAME};
use super::record::{MAX_COLUMNS, Record};

/// Unknown columns that are reported, and characters of each name.
const MAX_UNKNOWN: usize = 50;
const MAX_NAME_CHARS: usize = 100;

/// Where the fields of a user are.
#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) count: usize,
    pub(super) email: Option<usize>,
    pub(super) username: Option<usize>,
    pub(super) full_name: Option<usize>,
    pub(super) id: Option<usize>,
    pub(super) is_active: Option<usize>,
    pub(super) row: Option<usize>,
    /// What rows say of tasks: the place of each name.
    pub(super) task: Vec<(&'static str, Option<usize>)>,
}

impl Columns {
    /// The place of a column that means something here, and its name.
    fn place(&mut self, name: &str, fields: Fields) -> Option<(&'static str, &mut Option<usize>)> {
        if fields.task.is_some() {
            return self.place_of_task(name, fields);
        }
        let places = [
            (EMAIL, &mut self.email),
            (USERNAME, &mut self.username),
            (FULL_NAME, &mut self.full_name),
            (ID, &mut self.id),
            (IS_ACTIVE, &mut self.is_active),
            (ROW, &mut self.row),
        ];
        let is_known = |known: &str| match known {
            ID => fields.id,
            IS_ACTIVE => fields.state,
            ROW => fields.number,
            _ => true,
        };
        places.into_iter().find(|(known, _)| is_known(known) && name.eq_ignore_ascii_case(known))
    }
}

impl Columns {
    fn place_of_task(&mut self, name: &str, fields: Fields) -> Option<(&'static str, &mut Option<usize>)> {
        let known = fields.known(&name.to_ascii_lowercase())?;
        let place = match known {
            ID => &mut self.id,
            ROW => &mut self.row,
            known => self.task.iter_mut().find(|(name, _)| *name == known).map(|(_, place)| place)?,
        };
        Some((known, place))
    }
}

/// Reads the header row; gives the columns and the names of those that are unknown.
///
/// What the header says is not repeated in errors: without a header row it would be somebody's data.
pub(super) fn read_header(
    record: &Record,
    unterminated: bool,
    fields: Fields,
) -> Result<(Columns, Vec<String>), FormatError> {
    let error = |detail: String| FormatError::new("csv_header", Some(record.line), detail);
    if record.is_too_long() {
        return Err(error("the header row may take at most 64 KiB".to_owned()));
    }
    if unterminated {
        return Err(error("a quote in the header row is not closed".to_owned()));
    }
    if record.columns > MAX_COLUMNS {
        return Err(error(format!("the header row has more than {MAX_COLUMNS} columns")));
    }
    let task = fields.task.unwrap_or_default().iter().map(|name| (*name, None)).collect();
    let mut columns = Columns { count: record.columns, task, ..Columns::default() };
    let mut unknown = Vec::new();
    for column in 0..record.columns {
        let name = std::str::from_utf8(record.cell(column))
            .map_err(|_| error("the header row is not valid UTF-8".to_owned()))?
            .trim();
        let Some((known, place)) = columns.place(name, fields) else {
            let name = printable(name);
            if unknown.len() < MAX_UNKNOWN && !unknown.contains(&name) {
                unknown.push(name);
            }
            continue;
        };
        if place.replace(column).is_some() {
            return Err(error(format!("the header row has the column {known} twice")));
        }
    }
    let mut missing = fields.required.to_vec();
    missing.retain(|name| columns.place(name, fields).is_none_or(|(_, place)| place.is_none()));
    if !missing.is_empty() {
        let missing = named_columns(&missing);
        return Err(error(format!("the header row lacks the {missing}; columns are separated by commas")));
    }
    Ok((columns, unknown))
}

/// Columns as a sentence names them.
pub(super) fn named_columns(names: &[&str]) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    format!("column{plural} {}", names.join(" and "))
}

/// The name as it can be stored and shown: control characters, such as NUL, are replaced.
fn printable(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
