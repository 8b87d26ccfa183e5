use muster_application::imports::ImportRow;

use super::super::object::{Unreadable, read_object};
use super::super::{Fields, problem, unreadable};

/// Reads one element of `users`; gives none if it is not JSON, which makes the whole body unreadable.
pub(super) fn read_element(element: &[u8], line: u64, fields: Fields) -> Option<ImportRow<'_>> {
    let problem = match read_object(element, line, fields) {
        Ok(user) => return Some(user),
        Err(Unreadable::Json(_)) => return None,
        Err(Unreadable::Utf8) => problem(None, "invalid_utf8", format!("the {} is not valid UTF-8", fields.list().1)),
        Err(Unreadable::NotObject) => {
            problem(None, "invalid_json", format!("each {} must be a JSON object", fields.list().1))
        }
    };
    Some(unreadable(line, problem))
}
