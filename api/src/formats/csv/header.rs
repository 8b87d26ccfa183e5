use super::super::{EMAIL, FULL_NAME, FormatError, USERNAME};
use super::record::{MAX_COLUMNS, Record};

/// Unknown columns that are reported, and characters of each name.
const MAX_UNKNOWN: usize = 50;
const MAX_NAME_CHARS: usize = 100;

/// Where the fields of a user are.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) count: usize,
    pub(super) email: usize,
    pub(super) username: usize,
    pub(super) full_name: Option<usize>,
}

/// Reads the header row; gives the columns and the names of those that are unknown.
///
/// What the header says is not repeated in errors: without a header row it would be somebody's data.
pub(super) fn read_header(record: &Record, unterminated: bool) -> Result<(Columns, Vec<String>), FormatError> {
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
    let (mut email, mut username, mut full_name) = (None, None, None);
    let mut unknown = Vec::new();
    for column in 0..record.columns {
        let name = std::str::from_utf8(record.cell(column))
            .map_err(|_| error("the header row is not valid UTF-8".to_owned()))?
            .trim();
        let (known, place) = if name.eq_ignore_ascii_case(EMAIL) {
            (EMAIL, &mut email)
        } else if name.eq_ignore_ascii_case(USERNAME) {
            (USERNAME, &mut username)
        } else if name.eq_ignore_ascii_case(FULL_NAME) {
            (FULL_NAME, &mut full_name)
        } else {
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
    let (Some(email), Some(username)) = (email, username) else {
        let missing = match (email, username) {
            (None, None) => "columns email and username",
            (None, _) => "column email",
            _ => "column username",
        };
        return Err(error(format!("the header row lacks the {missing}; columns are separated by commas")));
    };
    let columns = Columns { count: record.columns, email, username, full_name };
    Ok((columns, unknown))
}

/// The name as it can be stored and shown: control characters, such as NUL, are replaced.
fn printable(name: &str) -> String {
    name.chars().take(MAX_NAME_CHARS).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}
