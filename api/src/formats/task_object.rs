//! One task as a JSON object: an NDJSON line or an element of `tasks`.

use std::fmt;

use muster_application::imports::ImportRow;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::object::Unreadable;
use super::{Fields, ID, ROW, problem, wrong_number};

/// Reads what an object says of a task. A field that is given twice is a problem of the row; unknown members are ignored.
pub(super) fn read_task(text: &str, line: u64, fields: Fields) -> Result<ImportRow<'static>, Unreadable> {
    if !text.trim_start().starts_with('{') {
        let json = serde_json::from_str::<IgnoredAny>(text);
        return Err(json.map_or_else(|error| Unreadable::Json(error.column()), |_| Unreadable::NotObject));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let row = json.deserialize_map(TaskVisitor { line, fields }).and_then(|row| json.end().map(|()| row));
    row.map_err(|error| Unreadable::Json(error.column()))
}

struct TaskVisitor {
    line: u64,
    fields: Fields,
}

impl<'de> Visitor<'de> for TaskVisitor {
    type Value = ImportRow<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut row = ImportRow { line: self.line, ..ImportRow::default() };
        let mut said = Map::new();
        let (mut has_id, mut has_number) = (false, false);
        while let Some(known) = members.next_key_seed(Name(self.fields))? {
            let Some(known) = known else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = members.next_value::<Value>()?;
            let is_repeated = match known {
                ID => std::mem::replace(&mut has_id, true),
                ROW => std::mem::replace(&mut has_number, true),
                known => said.contains_key(known),
            };
            let found = match (known, value) {
                _ if is_repeated => problem(Some(known), "duplicate_field", format!("{known} is given more than once")),
                (ID, Value::String(id)) => {
                    row.id = Some(id.into());
                    continue;
                }
                (ID, _) => problem(Some(ID), "wrong_type", "id must be a string"),
                (ROW, value) => {
                    row.retried = value.as_u64().and_then(|number| u32::try_from(number).ok());
                    if row.retried.is_some() {
                        continue;
                    }
                    wrong_number()
                }
                (known, value) => {
                    said.insert(known.to_owned(), value);
                    continue;
                }
            };
            // Once each: a row of nothing but repetitions must not become many times as large.
            if !row.problems.contains(&found) {
                row.problems.push(found);
            }
        }
        row.task = (!said.is_empty()).then(|| Box::new(said));
        Ok(row)
    }
}

/// A member's name, by which rows about tasks know it; none of those that mean nothing. No text is made of it on the way.
struct Name(Fields);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, name: D) -> Result<Self::Value, D::Error> {
        name.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.known(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ImportRow<'static>, Unreadable> {
        read_task(text, 1, Fields::TASKS.corrected())
    }

    #[test]
    fn known_members_are_kept_and_repeated_ones_are_a_problem() {
        let row = read(r#"{"title":"a","tags":["x"],"other":{"a":[1]},"id":"i","row":7}"#).unwrap();
        let said = row.task.unwrap();
        assert_eq!((said.len(), &said["tags"][0], row.retried), (2, &Value::from("x"), Some(7)));
        assert_eq!((row.id, row.problems.len()), (None, 0));
        let row = read(r#"{"title":"a","title":"b","row":"7"}"#).unwrap();
        let codes: Vec<_> = row.problems.iter().map(|problem| problem.code.as_ref()).collect();
        assert_eq!(codes, ["duplicate_field", "wrong_type"]);
        let row = read_task(r#"{"id":"i","title":"a"}"#, 1, Fields::TASK_CHANGE).unwrap();
        assert_eq!((row.id.as_deref(), row.task), (Some("i"), None));
    }

    #[test]
    fn what_is_no_object_is_told_from_what_is_no_json() {
        assert!(matches!(read("[1]"), Err(Unreadable::NotObject)));
        assert!(matches!(read("{"), Err(Unreadable::Json(_))));
        assert!(matches!(read("nope"), Err(Unreadable::Json(_))));
        assert!(matches!(read("{} {}"), Err(Unreadable::Json(_))));
    }
}
