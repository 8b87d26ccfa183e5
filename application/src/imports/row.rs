use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One row of an upload, as it was read and before any rule was applied.
///
/// The presentation layer makes it from CSV, NDJSON or JSON; a block stores it as one line of NDJSON
/// until a worker parses it with the domain. The short keys are the stored form: additive changes only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow<'a> {
    /// Line of the file on which the row starts, from 1; for a JSON array the position of the element, from 1.
    #[serde(rename = "l")]
    pub line: u64,
    /// As given; absent and null are the same.
    #[serde(rename = "e", borrow, default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Cow<'a, str>>,
    /// As given.
    #[serde(rename = "u", borrow, default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Cow<'a, str>>,
    /// As given; an empty CSV cell is absent.
    #[serde(rename = "f", borrow, default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Cow<'a, str>>,
    /// What made the row unreadable; a row with a problem never becomes a user.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RowProblem>,
}

/// Why a row did not become a user. Never contains the offending value: it is kept, logged and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// The field at fault (`email`, `username`, `full_name`), or none when the whole row is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// Stable code, such as `missing`, `invalid_email` or `duplicate_in_file`.
    pub code: Cow<'static, str>,
    /// One sentence for people: what is wrong and what would be right.
    pub detail: Cow<'static, str>,
}
