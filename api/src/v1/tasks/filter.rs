//! Conditions on tasks, as clients write them.

use chrono::{DateTime, Utc};
use muster_application::tasks::tag;
use muster_application::users::part;
use muster_domain::tasks::{TaskFilter, TaskPriority, TaskSort, TaskSortKey, TaskStatus};
use muster_domain::{UserId, instant};
use utoipa::IntoParams;

use crate::extract::Params;
use crate::openapi::{TaskPriorityName, TaskSortName, TaskStatusName};
use crate::problem::Problem;

/// Which tasks: all conditions must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document; they are read one by one instead")]
pub(super) struct TaskConditions {
    /// One of these; several with commas between them.
    #[param(value_type = Option<Vec<TaskStatusName>>, style = Form, explode = false, example = json!(["todo", "in_progress"]))]
    status: Option<Vec<String>>,
    /// One of these; several with commas between them.
    #[param(value_type = Option<Vec<TaskPriorityName>>, style = Form, explode = false, example = json!(["high", "urgent"]))]
    priority: Option<Vec<String>>,
    /// Has this tag.
    #[param(max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "calls")]
    tag: Option<String>,
    /// Due at this moment or later.
    due_after: Option<DateTime<Utc>>,
    /// Due at this moment or earlier.
    due_before: Option<DateTime<Utc>>,
    /// Part of the title or of the description, without regard to case.
    #[param(max_length = 255, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "ada")]
    text: Option<String>,
    /// By what they are sorted, `-` before it for the greatest first. Those that are never due come last by `due_at`.
    #[param(inline, value_type = Option<TaskSortName>, example = "due_at")]
    sort: Option<String>,
}

/// Whose tasks.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document; they are read one by one instead")]
pub(super) struct OfAssignee {
    /// The user who is to do them, or `none` for those that nobody is to do.
    #[param(pattern = "^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$", example = "none")]
    assignee_id: Option<String>,
}

/// The orders by name, the default first.
pub(crate) const SORTS: [(&str, TaskSort); 6] = [
    ("-created_at", TaskSort { key: TaskSortKey::CreatedAt, descending: true }),
    ("created_at", TaskSort { key: TaskSortKey::CreatedAt, descending: false }),
    ("due_at", TaskSort { key: TaskSortKey::DueAt, descending: false }),
    ("-due_at", TaskSort { key: TaskSortKey::DueAt, descending: true }),
    ("-priority", TaskSort { key: TaskSortKey::Priority, descending: true }),
    ("priority", TaskSort { key: TaskSortKey::Priority, descending: false }),
];

/// The conditions in a query.
pub(super) fn filter(params: &Params) -> Result<TaskFilter, Problem> {
    let not_empty = |text: &String| !text.is_empty();
    let moment = |name| params.read(name, "an instant such as 2026-01-31T12:00:00Z", instant);
    let statuses = params.read("status", "todo, in_progress, done or cancelled, or several with commas", |names| {
        several(names, TaskStatus::from_name)
    })?;
    let priorities = params.read("priority", "low, normal, high or urgent, or several with commas", |names| {
        several(names, TaskPriority::from_name)
    })?;
    Ok(TaskFilter {
        deleted: false,
        statuses: statuses.unwrap_or_default(),
        assignee: params.read("assignee_id", "the UUID of a user, or none", |text| match text {
            "none" => Some(None),
            id => UserId::parse(id).map(Some),
        })?,
        priorities: priorities.unwrap_or_default(),
        tag: params.read("tag", "text of at most 50 characters without control characters", tag)?.filter(not_empty),
        due_after: moment("due_after")?,
        due_before: moment("due_before")?,
        text: params.read("text", "text of at most 255 characters without control characters", part)?.filter(not_empty),
    })
}

/// Names with commas between them; nothing is no condition.
fn several<T>(names: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    names.split(',').filter(|_| !names.is_empty()).map(read).collect()
}

/// The order in a query.
pub(super) fn sort(params: &Params) -> Result<TaskSort, Problem> {
    let right = "created_at, due_at or priority, with or without - before it";
    let named = |name: &str| SORTS.into_iter().find(|(known, _)| *known == name).map(|(_, sort)| sort);
    Ok(params.read("sort", right, named)?.unwrap_or_default())
}
