//! Conditions on tasks, as clients write them in JSON.

use muster_domain::tasks::{MAX_TAG_CHARS, TaskFilter, TaskPriority, TaskStatus};
use muster_domain::{UserId, instant};
use serde_json::{Map, Value};

use crate::users::{WrongFilter, part, shown};

/// Which tasks are meant by these conditions.
///
/// # Errors
/// The first condition that is not known or not right.
pub fn read_task_filter(conditions: &Map<String, Value>) -> Result<TaskFilter, WrongFilter> {
    let mut found = TaskFilter::default();
    for (name, value) in conditions {
        let text = || value.as_str().filter(|text| !text.is_empty()).and_then(part);
        let moment = || value.as_str().and_then(instant);
        let (known, understood, right) = match name.as_str() {
            "status" => {
                let read = names(value, TaskStatus::from_name).map(|all| found.statuses = all);
                ("status", read, "todo, in_progress, done or cancelled, or an array of these")
            }
            "priority" => {
                let read = names(value, TaskPriority::from_name).map(|all| found.priorities = all);
                ("priority", read, "low, normal, high or urgent, or an array of these")
            }
            "assignee_id" => {
                let assignee = match value {
                    Value::Null => Some(None),
                    value => value.as_str().and_then(UserId::parse).map(Some),
                };
                let read = assignee.map(|assignee| found.assignee = Some(assignee));
                ("assignee_id", read, "the UUID of a user, or null for nobody's")
            }
            "tag" => {
                let tag = value.as_str().filter(|tag| !tag.is_empty()).and_then(tag);
                ("tag", tag.map(|tag| found.tag = Some(tag)), "text of at most 50 characters")
            }
            "text" => ("text", text().map(|text| found.text = Some(text)), "text of at most 255 characters"),
            "due_after" => {
                ("due_after", moment().map(|at| found.due_after = Some(at)), "an instant such as 2026-01-31T12:00:00Z")
            }
            "due_before" => (
                "due_before",
                moment().map(|at| found.due_before = Some(at)),
                "an instant such as 2026-01-31T12:00:00Z",
            ),
            _ => {
                // Its name may be anything.
                let detail = format!("condition {} is not known for tasks", shown(name));
                return Err(WrongFilter { condition: None, detail: detail.into() });
            }
        };
        understood
            .ok_or_else(|| WrongFilter { condition: Some(known), detail: format!("{known} must be {right}").into() })?;
    }
    Ok(found)
}

/// A tag that is looked for.
pub fn tag(text: &str) -> Option<String> {
    part(text).filter(|tag| tag.chars().count() <= MAX_TAG_CHARS)
}

/// One name, or several.
fn names<T>(value: &Value, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::String(name) => read(name).map(|one| vec![one]),
        Value::Array(all) if !all.is_empty() => all.iter().map(|name| read(name.as_str()?)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(filter: &Value) -> Result<TaskFilter, WrongFilter> {
        read_task_filter(filter.as_object().unwrap())
    }

    #[test]
    fn conditions_are_read_by_name() {
        let found =
            read(&json!({"status": "todo", "priority": ["low", "high"], "assignee_id": null, "tag": "x"})).unwrap();
        assert_eq!((found.statuses, found.assignee), (vec![TaskStatus::Todo], Some(None)));
        assert_eq!((found.priorities.len(), found.tag.as_deref()), (2, Some("x")));
        for (wrong, name) in [
            (json!({"status": "open"}), Some("status")),
            (json!({"status": []}), Some("status")),
            (json!({"due_after": "soon"}), Some("due_after")),
            (json!({"assignee_id": "ada"}), Some("assignee_id")),
            (json!({"text": ""}), Some("text")),
            (json!({"email": "x"}), None),
        ] {
            assert_eq!(read(&wrong).unwrap_err().condition, name, "{wrong}");
        }
    }
}
