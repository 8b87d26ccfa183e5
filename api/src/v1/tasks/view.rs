use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use muster_domain::tasks::{Recurrence, Task};
use muster_domain::{TaskId, UserId};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::{TaskPriorityName, TaskStatusName};
use crate::v1::time;

/// A task as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Task)]
pub(crate) struct TaskView {
    /// Identity.
    id: Uuid,
    /// What it is called.
    #[schema(example = "Call Ada")]
    title: String,
    /// What is to be done.
    #[schema(example = "She knows how it works.")]
    description: Option<String>,
    /// How far it is.
    #[schema(value_type = TaskStatusName)]
    status: &'static str,
    /// How much it matters.
    #[schema(value_type = TaskPriorityName)]
    priority: &'static str,
    /// The user who is to do it.
    #[schema(example = "01981c5e-7a00-7000-8000-000000000001")]
    assignee_id: Option<Uuid>,
    /// The user who wanted it, and is told when it is overdue.
    #[schema(example = "01981c5e-7a00-7000-8000-000000000002")]
    creator_id: Option<Uuid>,
    /// When it is to be done.
    #[serde(serialize_with = "time::maybe")]
    due_at: Option<DateTime<Utc>>,
    /// When its assignee is reminded besides, ascending.
    #[serde(serialize_with = "instants")]
    remind_at: Vec<DateTime<Utc>>,
    /// By what it is found again.
    #[schema(example = json!(["calls"]))]
    tags: Vec<String>,
    /// How it comes again: a rule of RFC 5545.
    #[schema(example = "FREQ=WEEKLY;BYDAY=MO")]
    recurrence: Option<String>,
    /// The task that began its series.
    #[schema(example = "01981c5e-7a00-7000-8000-000000000001")]
    series_id: Option<Uuid>,
    /// Which of its series it is, from 1.
    #[schema(example = 1)]
    series_number: Option<u32>,
    /// When it was done.
    #[serde(serialize_with = "time::maybe")]
    #[schema(example = json!(null))]
    completed_at: Option<DateTime<Utc>>,
    /// Incremented by every write.
    #[schema(example = 1)]
    version: i64,
    /// When it was made.
    #[serde(serialize_with = "time::instant")]
    created_at: DateTime<Utc>,
    /// When it was last written.
    #[serde(serialize_with = "time::instant")]
    updated_at: DateTime<Utc>,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        let series: Option<&Recurrence> = task.recurrence.as_ref();
        Self {
            id: task.id.get(),
            title: task.title.as_str().to_owned(),
            description: task.description.as_ref().map(|text| text.as_str().to_owned()),
            status: task.status.name(),
            priority: task.priority.name(),
            assignee_id: task.assignee.map(UserId::get),
            creator_id: task.creator.map(UserId::get),
            due_at: task.due_at,
            recurrence: series.map(|series| series.rule.to_string()),
            series_id: series.map(|series| TaskId::get(series.series)),
            series_number: series.map(|series| series.number),
            remind_at: task.remind_at,
            tags: task.tags.as_slice().to_vec(),
            completed_at: task.completed_at,
            version: task.version,
            created_at: task.created_at,
            updated_at: task.updated_at,
        }
    }
}

/// The `ETag` of a task as it is.
pub(super) fn etag(task: &Task) -> String {
    format!("\"v{}\"", task.version)
}

/// The answer that has a task as it is now.
pub(super) fn answer(task: Task) -> Response {
    ([(header::ETAG, etag(&task))], Json(TaskView::from(task))).into_response()
}

fn instants<S: Serializer>(dates: &[DateTime<Utc>], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Instant<'a>(#[serde(serialize_with = "time::instant")] &'a DateTime<Utc>);
    serializer.collect_seq(dates.iter().map(Instant))
}
