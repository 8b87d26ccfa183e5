use chrono::{DateTime, Utc};

use super::{Task, TaskPriority, TaskStatus};
use crate::{TaskId, UserId};

/// Which tasks are meant: all conditions must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// The deleted instead of the living.
    pub deleted: bool,
    /// One of these; none means any.
    pub statuses: Vec<TaskStatus>,
    /// Whose they are; the inner none is nobody's.
    pub assignee: Option<Option<UserId>>,
    /// One of these; none means any.
    pub priorities: Vec<TaskPriority>,
    /// Has this tag.
    pub tag: Option<String>,
    /// Due at this moment or later.
    pub due_after: Option<DateTime<Utc>>,
    /// Due at this moment or earlier.
    pub due_before: Option<DateTime<Utc>>,
    /// Part of the title or of the description, without regard to case.
    pub text: Option<String>,
}

/// What a list of tasks is sorted by; those that are equal by their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskSortKey {
    /// When they were made.
    CreatedAt,
    /// When they are due; those that never are come last, and first in descending order.
    DueAt,
    /// How much they matter.
    Priority,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskSort {
    /// By what.
    pub key: TaskSortKey,
    /// The greatest first.
    pub descending: bool,
}

impl Default for TaskSort {
    /// The latest first.
    fn default() -> Self {
        Self { key: TaskSortKey::CreatedAt, descending: true }
    }
}

/// What a task is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskSortValue {
    /// By a moment; none comes after all of them.
    At(Option<DateTime<Utc>>),
    /// By a priority.
    Priority(TaskPriority),
}

/// Where a task stands in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskPosition {
    /// What the list is sorted by.
    pub value: TaskSortValue,
    /// Identity, which decides among equals.
    pub id: TaskId,
}

impl TaskSort {
    /// Where a task stands in a list of this order.
    pub const fn position(self, task: &Task) -> TaskPosition {
        let value = match self.key {
            TaskSortKey::CreatedAt => TaskSortValue::At(Some(task.created_at)),
            TaskSortKey::DueAt => TaskSortValue::At(task.due_at),
            TaskSortKey::Priority => TaskSortValue::Priority(task.priority),
        };
        TaskPosition { value, id: task.id }
    }
}
