use std::borrow::Cow;

use muster_domain::FieldError;
use muster_domain::tasks::TaskFields;
use muster_domain::users::Given;
use serde_json::{Map, Value};

use crate::AppError;
use crate::imports::RowProblem;

/// What can be said about a task, by the names of members and columns.
pub const COLUMNS: [&str; 9] =
    ["title", "description", "priority", "assignee_id", "creator_id", "due_at", "remind_at", "tags", "recurrence"];

/// What a JSON object says about a task, and what of it cannot be read. Members that are not known are passed over.
pub fn read_fields(members: &Map<String, Value>) -> (TaskFields<'_>, Vec<RowProblem>) {
    let mut problems = Vec::new();
    let fields = TaskFields {
        title: text(members, "title", &mut problems),
        description: text(members, "description", &mut problems),
        priority: text(members, "priority", &mut problems),
        assignee: text(members, "assignee_id", &mut problems),
        // A task is also made for whoever asks, where they do not say for whom.
        creator: match text(members, "creator_id", &mut problems) {
            Given::Null => Given::Absent,
            given => given,
        },
        due_at: text(members, "due_at", &mut problems),
        remind_at: list(members, "remind_at", &mut problems),
        tags: list(members, "tags", &mut problems),
        recurrence: text(members, "recurrence", &mut problems),
    };
    (fields, problems)
}

/// Problems of both kinds as one error of a request, if there are any.
pub(super) fn both<T>(parsed: Result<T, Vec<FieldError>>, problems: Vec<RowProblem>) -> Result<T, AppError> {
    joined(parsed, problems).map_err(AppError::wrong_fields)
}

/// What could not be read, and what breaks a rule.
pub(super) fn joined<T>(
    parsed: Result<T, Vec<FieldError>>,
    mut problems: Vec<RowProblem>,
) -> Result<T, Vec<RowProblem>> {
    match parsed {
        Ok(value) if problems.is_empty() => Ok(value),
        Ok(_) => Err(problems),
        Err(errors) => {
            // What cannot be read is not missing.
            let unread: Vec<Cow<'static, str>> = problems.iter().filter_map(|problem| problem.field.clone()).collect();
            let errors = errors.into_iter().filter(|error| !unread.iter().any(|field| field == error.field));
            problems.extend(errors.map(RowProblem::from));
            Err(problems)
        }
    }
}

fn text<'a>(members: &'a Map<String, Value>, field: &'static str, problems: &mut Vec<RowProblem>) -> Given<'a> {
    match members.get(field) {
        None => Given::Absent,
        Some(Value::Null) => Given::Null,
        Some(Value::String(text)) => Given::Text(text),
        Some(_) => {
            problems.push(RowProblem::of(field, "wrong_type", "must be a string"));
            Given::Absent
        }
    }
}

fn list<'a>(
    members: &'a Map<String, Value>,
    field: &'static str,
    problems: &mut Vec<RowProblem>,
) -> Option<Vec<&'a str>> {
    let given = members.get(field)?;
    if given.is_null() {
        return Some(Vec::new());
    }
    let texts = given.as_array().and_then(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    if texts.is_none() {
        problems.push(RowProblem::of(field, "wrong_type", "must be an array of strings"));
    }
    texts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_read_by_their_type() {
        let body = json!({"title": "a", "description": null, "tags": ["x"], "remind_at": null, "shoe_size": 4});
        let (fields, problems) = read_fields(body.as_object().unwrap());
        assert_eq!((fields.title, fields.description, fields.priority), (Given::Text("a"), Given::Null, Given::Absent));
        assert_eq!((fields.tags, fields.remind_at), (Some(vec!["x"]), Some(vec![])));
        assert!(problems.is_empty());
        let body = json!({"title": 1, "tags": "x", "remind_at": [1]});
        let (_, problems) = read_fields(body.as_object().unwrap());
        let found: Vec<_> = problems.iter().filter_map(|problem| problem.field.as_deref()).collect();
        assert_eq!(found, ["title", "remind_at", "tags"]);
    }
}
