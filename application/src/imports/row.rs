use std::borrow::Cow;

use muster_domain::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// The id of a user who is there, as given.
    #[serde(rename = "i", borrow, default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Cow<'a, str>>,
    /// Whether the user is to be able to act.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub is_active: Option<bool>,
    /// The full name is to be cleared: it was given as null, where that is not the same as absent.
    #[serde(rename = "c", default, skip_serializing_if = "is_false")]
    pub clears_name: bool,
    /// What it says of a task, by the names of its fields, as given.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Box<Map<String, Value>>>,
    /// The number of the row that it does again, in the operation that is retried.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<u32>,
    /// What made the row unreadable; a row with a problem never becomes a user.
    #[serde(rename = "p", default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<RowProblem>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl ImportRow<'_> {
    /// The same, of its own.
    pub fn into_owned(self) -> ImportRow<'static> {
        let owned = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        ImportRow {
            line: self.line,
            email: owned(self.email),
            username: owned(self.username),
            full_name: owned(self.full_name),
            id: owned(self.id),
            is_active: self.is_active,
            clears_name: self.clears_name,
            task: self.task,
            retried: self.retried,
            problems: self.problems,
        }
    }

    /// The id that the row gives, if it gives one.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn user_id(&self) -> Result<Option<UserId>, Vec<RowProblem>> {
        let Some(text) = &self.id else { return Ok(None) };
        UserId::parse(text).map(Some).ok_or_else(|| {
            vec![RowProblem::of("id", "invalid_id", "must be a UUID such as 01981c5e-7a00-7000-8000-000000000001")]
        })
    }
}

impl RowProblem {
    /// What is wrong with a row as a whole.
    pub(crate) fn whole(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { field: None, code: code.into(), detail: detail.into() }
    }

    /// What is wrong with a field.
    pub(crate) fn of(field: &'static str, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(field.into()), code: code.into(), detail: detail.into() }
    }
}

/// Why a row did not become a user. Never contains the offending value: it is kept, logged and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// The field at fault (`email`, `username`, `full_name`, `id`), or none when the whole row is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Cow<'static, str>>,
    /// Stable code, such as `missing`, `invalid_email` or `duplicate_in_file`.
    pub code: Cow<'static, str>,
    /// One sentence for people: what is wrong and what would be right.
    pub detail: Cow<'static, str>,
}
