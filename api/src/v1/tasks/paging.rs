use axum::Json;
use chrono::{DateTime, Utc};
use muster_application::tasks::{ListTasks, TaskPage};
use muster_domain::TaskId;
use muster_domain::tasks::{TaskFilter, TaskPosition, TaskPriority, TaskSort, TaskSortKey, TaskSortValue};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::filter::sort;
use super::view::TaskView;
use crate::cursor::Cursor;
use crate::extract::Params;
use crate::problem::Problem;

const MAX_LIMIT: u32 = 100;
const LIMIT: u32 = 50;

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters in the OpenAPI document; they are read one by one instead")]
pub(super) struct PageParams {
    /// Tasks of a page.
    #[param(minimum = 1, maximum = 100, default = 50, example = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before, with the same `sort`; absent or empty for the first page.
    #[param(max_length = 1024, allow_reserved, example = "")]
    cursor: Option<String>,
}

/// A page of tasks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TaskPage)]
pub(crate) struct TasksView {
    /// In the order that was asked for.
    items: Vec<TaskView>,
    /// Whether there are more.
    #[schema(example = false)]
    has_next: bool,
    /// The `cursor` of the next page.
    #[schema(example = json!(null))]
    next_cursor: Option<String>,
}

/// What a position is sorted by, on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum SortValue {
    Rank(i16),
    At(DateTime<Utc>),
}

/// What to list.
pub(super) fn query(params: &Params, filter: TaskFilter) -> Result<ListTasks, Problem> {
    let sort = sort(params)?;
    let limit = params.number("limit", 1, MAX_LIMIT, LIMIT)?;
    let after = match params.get("cursor")? {
        None | Some("") => None,
        Some(_) => {
            let cursor = Cursor::<Option<SortValue>>::of(params, |cursor| position(sort, *cursor).is_some())?;
            cursor.and_then(|cursor| position(sort, cursor))
        }
    };
    Ok(ListTasks { filter, sort, after, limit })
}

/// The page as it is answered.
pub(super) fn answer(found: TaskPage, sort: TaskSort) -> Json<TasksView> {
    let last = found.tasks.last().filter(|_| found.has_next).map(|task| sort.position(task));
    Json(TasksView {
        has_next: found.has_next,
        next_cursor: last.and_then(|last| cursor(last).encode()),
        items: found.tasks.into_iter().map(TaskView::from).collect(),
    })
}

fn cursor(TaskPosition { value, id }: TaskPosition) -> Cursor<Option<SortValue>> {
    let sort_value = match value {
        TaskSortValue::At(at) => at.map(SortValue::At),
        TaskSortValue::Priority(priority) => Some(SortValue::Rank(priority.rank())),
    };
    Cursor { sort_value, value: id.get() }
}

/// Where a cursor of a list in this order stands.
fn position(sort: TaskSort, Cursor { sort_value, value }: Cursor<Option<SortValue>>) -> Option<TaskPosition> {
    let value_of = match (sort.key, sort_value) {
        (TaskSortKey::Priority, Some(SortValue::Rank(rank))) => TaskSortValue::Priority(TaskPriority::from_rank(rank)?),
        (TaskSortKey::CreatedAt | TaskSortKey::DueAt, Some(SortValue::At(at))) => TaskSortValue::At(Some(at)),
        (TaskSortKey::DueAt, None) => TaskSortValue::At(None),
        _ => return None,
    };
    Some(TaskPosition { value: value_of, id: TaskId::new(value) })
}
