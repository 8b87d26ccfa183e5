//! One user as a JSON object: an NDJSON line or an element of `users`.

use std::borrow::Cow;
use std::fmt;

use muster_application::imports::ImportRow;
use serde::de::{Deserialize, Deserializer, Error as DeError, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::task_object::read_task;
use super::{EMAIL, FULL_NAME, Fields, ID, IS_ACTIVE, ROW, USERNAME, problem, wrong_number};

/// Why bytes are not a user.
#[derive(Debug)]
pub(super) enum Unreadable {
    Utf8,
    /// Not JSON; the column in bytes, from 1, on which that shows.
    Json(usize),
    /// JSON, but of another type.
    NotObject,
}

/// Reads one user; strings without escapes are borrowed.
///
/// A field that is given twice is a problem of the row: to guess which one was meant would create the
/// wrong user half of the time. Unknown members are ignored.
pub(super) fn read_object(bytes: &[u8], line: u64, fields: Fields) -> Result<ImportRow<'_>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Utf8)?;
    if fields.task.is_some() {
        return read_task(text, line, fields);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let row = json
        .deserialize_any(RowVisitor { line, fields })
        .and_then(|row| json.end().map(|()| row))
        .map_err(|error| Unreadable::Json(error.column()))?;
    row.ok_or(Unreadable::NotObject)
}

#[derive(Debug, Clone, Copy)]
enum Member {
    Email,
    Username,
    FullName,
    Id,
    IsActive,
    Row,
    Other,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(MemberVisitor)
    }
}

struct MemberVisitor;

impl Visitor<'_> for MemberVisitor {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: DeError>(self, name: &str) -> Result<Member, E> {
        Ok(match name {
            EMAIL => Member::Email,
            USERNAME => Member::Username,
            FULL_NAME => Member::FullName,
            ID => Member::Id,
            IS_ACTIVE => Member::IsActive,
            ROW => Member::Row,
            _ => Member::Other,
        })
    }
}

/// A value as far as a field of a user is concerned.
enum Value<'a> {
    Text(Cow<'a, str>),
    Flag(bool),
    Number(u64),
    Null,
    Wrong,
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: DeError>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: DeError>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E: DeError>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: DeError>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E: DeError>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Value::Wrong)
    }

    fn visit_u64<E: DeError>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_f64<E: DeError>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Value::Wrong)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| Value::Wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_map(members).map(|_| Value::Wrong)
    }
}

/// Gives `None` for a value that is not an object, so that it can be told from broken JSON.
struct RowVisitor {
    line: u64,
    fields: Fields,
}

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Option<ImportRow<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut row = ImportRow { line: self.line, ..ImportRow::default() };
        let (mut flag, mut number) = (None, None);
        let [mut email, mut username, mut full_name, mut id, mut is_active, mut retried] = [false; 6];
        while let Some(name) = members.next_key::<Member>()? {
            let (field, given, seen) = match name {
                Member::Email => (EMAIL, &mut row.email, &mut email),
                Member::Username => (USERNAME, &mut row.username, &mut username),
                Member::FullName => (FULL_NAME, &mut row.full_name, &mut full_name),
                Member::Id if self.fields.id => (ID, &mut row.id, &mut id),
                Member::IsActive if self.fields.state => (IS_ACTIVE, &mut flag, &mut is_active),
                Member::Row if self.fields.number => (ROW, &mut number, &mut retried),
                Member::Id | Member::IsActive | Member::Row | Member::Other => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let value = members.next_value::<Value<'de>>()?;
            let found = if std::mem::replace(seen, true) {
                *given = None;
                let detail = format!("{field} is given more than once");
                problem(Some(field), "duplicate_field", detail)
            } else {
                match (value, field) {
                    (Value::Flag(flag), IS_ACTIVE) => {
                        row.is_active = Some(flag);
                        continue;
                    }
                    (Value::Number(number), ROW) => {
                        row.retried = u32::try_from(number).ok();
                        continue;
                    }
                    (_, ROW) => wrong_number(),
                    (Value::Text(text), EMAIL | USERNAME | FULL_NAME | ID) => {
                        *given = Some(text);
                        continue;
                    }
                    (Value::Null, FULL_NAME) => {
                        row.clears_name = self.fields.state;
                        continue;
                    }
                    (Value::Null, _) => continue,
                    (_, IS_ACTIVE) => problem(Some(field), "wrong_type", "is_active must be true or false"),
                    _ => problem(Some(field), "wrong_type", format!("{field} must be a string")),
                }
            };
            // Once each: a row of nothing but repetitions must not become many times as large.
            if !row.problems.contains(&found) {
                row.problems.push(found);
            }
        }
        Ok(Some(row))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        IgnoredAny.visit_seq(items).map(|_| None)
    }

    fn visit_str<E: DeError>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: DeError>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: DeError>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E: DeError>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E: DeError>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: DeError>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
}
