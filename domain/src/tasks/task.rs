use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    IllegalMove, Recurrence, Tags, TaskChanges, TaskDescription, TaskMove, TaskPriority, TaskStatus, TaskTitle,
};
use crate::{FieldError, TaskId, UserId};

/// Something that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Identity within the tenant.
    pub id: TaskId,
    /// What it is called.
    pub title: TaskTitle,
    /// What is to be done.
    pub description: Option<TaskDescription>,
    /// How far it is.
    pub status: TaskStatus,
    /// How much it matters.
    pub priority: TaskPriority,
    /// Who is to do it.
    pub assignee: Option<UserId>,
    /// Who wanted it, and is told when it is overdue.
    pub creator: Option<UserId>,
    /// When it is to be done.
    pub due_at: Option<DateTime<Utc>>,
    /// When it reminds besides, ascending.
    pub remind_at: Vec<DateTime<Utc>>,
    /// By what it is found again.
    pub tags: Tags,
    /// The series that it is of.
    pub recurrence: Option<Recurrence>,
    /// When it was done.
    pub completed_at: Option<DateTime<Utc>>,
    /// Incremented by every write.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

/// A task as stored, alive or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTask {
    /// The task.
    pub task: Task,
    /// When it was deleted; none for the living.
    pub deleted_at: Option<DateTime<Utc>>,
    /// Reminders up to this moment were sent, or are not to be.
    pub reminded_through: DateTime<Utc>,
}

impl StoredTask {
    /// The task as it is right after it was made of changes that were parsed as a new one's. Dates in the past remind
    /// nobody.
    ///
    /// # Errors
    /// When what it says does not go together.
    pub fn new(
        id: TaskId,
        title: TaskTitle,
        said: TaskChanges,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Self, FieldError> {
        let task = Task {
            id,
            title,
            description: None,
            status: TaskStatus::default(),
            priority: TaskPriority::default(),
            assignee: None,
            creator: said.creator,
            due_at: None,
            remind_at: Vec::new(),
            tags: Tags::default(),
            recurrence: None,
            completed_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let mut stored = Self { task, deleted_at: None, reminded_through: now };
        stored.apply(said, zone)?;
        Ok(stored)
    }

    /// Applies changes; `false`, and nothing changed, version included, if none makes a difference. Who created a task is
    /// not changed.
    ///
    /// # Errors
    /// When what it comes to does not go together; it is of no use then.
    pub fn change(&mut self, changes: TaskChanges, zone: Tz, now: DateTime<Utc>) -> Result<bool, FieldError> {
        let before = self.clone();
        let is_due = self.is_due(now);
        self.apply(changes, zone)?;
        if *self == before {
            return Ok(false);
        }
        let (old, new) = (&before.task, &self.task);
        // New dates that are over remind nobody; what is due already and still on its way is not stopped.
        if !is_due && (old.due_at != new.due_at || old.remind_at != new.remind_at || old.assignee != new.assignee) {
            self.silence(now);
        }
        self.written(now);
        Ok(true)
    }

    /// Does a move; gives the next task of its series if it is done and there is to be one, as `id`.
    ///
    /// # Errors
    /// When the status does not allow it.
    pub fn go(&mut self, by: TaskMove, id: TaskId, now: DateTime<Utc>) -> Result<Option<Self>, IllegalMove> {
        self.task.status = self.task.status.after(by)?;
        self.task.completed_at = (by == TaskMove::Complete).then_some(now);
        if by == TaskMove::Reopen {
            self.silence(now);
        }
        self.written(now);
        Ok(if by == TaskMove::Complete { self.next(id, now) } else { None })
    }

    /// Takes a move back: it is as far as it was before.
    pub fn put_back(&mut self, status: TaskStatus, completed_at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        self.task.status = status;
        self.task.completed_at = completed_at.filter(|_| status == TaskStatus::Done);
        self.silence(now);
        self.written(now);
    }

    /// Deletes a living task softly.
    pub fn delete(&mut self, now: DateTime<Utc>) {
        self.deleted_at = Some(now);
        self.written(now);
    }

    /// Brings a deleted task back. What would have reminded meanwhile does not.
    pub fn restore(&mut self, now: DateTime<Utc>) {
        self.deleted_at = None;
        self.silence(now);
        self.written(now);
    }

    /// Whether somebody can still do it.
    pub const fn is_open(&self) -> bool {
        self.deleted_at.is_none() && self.task.status.is_open()
    }

    fn apply(&mut self, changes: TaskChanges, zone: Tz) -> Result<(), FieldError> {
        let TaskChanges { title, description, priority, assignee, creator: _, due_at, remind_at, tags, recurrence } =
            changes;
        let task = &mut self.task;
        task.title = title.unwrap_or_else(|| task.title.clone());
        task.description = description.unwrap_or_else(|| task.description.clone());
        task.priority = priority.unwrap_or(task.priority);
        task.assignee = assignee.unwrap_or(task.assignee);
        task.due_at = due_at.unwrap_or(task.due_at);
        task.remind_at = remind_at.unwrap_or_else(|| std::mem::take(&mut task.remind_at));
        task.tags = tags.unwrap_or_else(|| std::mem::take(&mut task.tags));
        let missing = || FieldError::new("due_at", "missing", "is required for a task that comes again");
        match recurrence {
            None => {
                if task.recurrence.is_some() && task.due_at.is_none() {
                    return Err(missing());
                }
            }
            Some(None) => task.recurrence = None,
            Some(Some(rule)) => {
                let due_at = task.due_at.ok_or_else(missing)?;
                let is_the_same = task.recurrence.as_ref().is_some_and(|known| known.rule == rule);
                if !is_the_same {
                    task.recurrence = Some(Recurrence::begins(rule, task.id, due_at, zone));
                }
            }
        }
        Ok(())
    }

    /// The next task of the series: as this one, its dates moved by as much as the one on which it is due.
    fn next(&self, id: TaskId, now: DateTime<Utc>) -> Option<Self> {
        let recurrence = self.task.recurrence.as_ref()?.next(now)?;
        let moved = recurrence.at - self.task.due_at?;
        let task = Task {
            id,
            status: TaskStatus::Todo,
            due_at: Some(recurrence.at),
            remind_at: self.task.remind_at.iter().filter_map(|at| at.checked_add_signed(moved)).collect(),
            recurrence: Some(recurrence),
            completed_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            ..self.task.clone()
        };
        Some(Self { task, deleted_at: None, reminded_through: now })
    }

    fn written(&mut self, now: DateTime<Utc>) {
        self.task.version += 1;
        // A clock that was set back must not make a task older.
        self.task.updated_at = now.max(self.task.updated_at);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::instant;
    use crate::tasks::TaskFields;
    use crate::users::Given;

    pub(crate) fn at(text: &str) -> DateTime<Utc> {
        instant(&format!("2026-{text}:00Z")).unwrap()
    }

    pub(crate) fn task(fields: TaskFields<'_>, now: &str) -> StoredTask {
        let fields = TaskFields { title: Given::Text("Call Ada"), ..fields };
        let mut said = TaskChanges::parse_new(&fields).unwrap();
        let title = said.title.take().unwrap();
        StoredTask::new(TaskId::new(Uuid::from_u128(1)), title, said, Tz::UTC, at(now)).unwrap()
    }

    pub(crate) fn change(task: &mut StoredTask, fields: &TaskFields<'_>, now: &str) -> Result<bool, FieldError> {
        task.change(TaskChanges::parse(fields).unwrap(), Tz::UTC, at(now))
    }

    const NEXT: TaskId = TaskId::new(Uuid::from_u128(2));

    #[test]
    fn what_makes_no_difference_is_no_change() {
        let mut one = task(TaskFields::default(), "01-01T00:00");
        let before = one.clone();
        let same = TaskFields { title: Given::Text("Call Ada"), due_at: Given::Null, ..TaskFields::default() };
        assert_eq!(change(&mut one, &same, "01-02T00:00"), Ok(false));
        assert_eq!(one, before);
        let other = TaskFields { priority: Given::Text("high"), ..TaskFields::default() };
        assert_eq!(change(&mut one, &other, "01-02T00:00"), Ok(true));
        assert_eq!((one.task.version, one.task.updated_at), (2, at("01-02T00:00")));
    }

    #[test]
    fn a_task_that_comes_again_is_due_at_some_time() {
        let mut one = task(TaskFields::default(), "01-01T00:00");
        let daily = TaskFields { recurrence: Given::Text("FREQ=DAILY"), ..TaskFields::default() };
        assert_eq!(change(&mut one.clone(), &daily, "01-01T00:00").unwrap_err().field, "due_at");
        let both = TaskFields { due_at: Given::Text("2026-01-05T09:00:00Z"), ..daily };
        assert_eq!(change(&mut one, &both, "01-01T00:00"), Ok(true));
        let never = TaskFields { due_at: Given::Null, ..TaskFields::default() };
        assert_eq!(change(&mut one.clone(), &never, "01-01T00:00").unwrap_err().field, "due_at");
        let end = TaskFields { due_at: Given::Null, recurrence: Given::Null, ..TaskFields::default() };
        assert_eq!(change(&mut one, &end, "01-01T00:00"), Ok(true));
    }

    #[test]
    fn completing_one_of_a_series_makes_the_next_with_its_dates_moved_along() {
        let mut one = task(
            TaskFields {
                due_at: Given::Text("2026-01-05T09:00:00Z"),
                remind_at: Some(vec!["2026-01-04T09:00:00Z"]),
                recurrence: Given::Text("FREQ=WEEKLY;BYDAY=MO"),
                tags: Some(vec!["calls"]),
                ..TaskFields::default()
            },
            "01-01T00:00",
        );
        assert_eq!(one.go(TaskMove::Start, NEXT, at("01-02T00:00")), Ok(None));
        let next = one.go(TaskMove::Complete, NEXT, at("01-03T00:00")).unwrap().unwrap();
        assert_eq!(one.task.completed_at, Some(at("01-03T00:00")));
        assert_eq!((next.task.id, next.task.status, next.task.version), (NEXT, TaskStatus::Todo, 1));
        assert_eq!((next.task.due_at, next.task.remind_at.clone()), (Some(at("01-12T09:00")), vec![at("01-11T09:00")]));
        assert_eq!((next.task.tags, next.task.completed_at), (one.task.tags.clone(), None));
        let series = next.task.recurrence.unwrap();
        assert_eq!((series.series, series.number), (one.task.id, 2));
    }

    #[test]
    fn reopening_takes_the_end_away_and_an_illegal_move_changes_nothing() {
        let mut one = task(TaskFields::default(), "01-01T00:00");
        let before = one.clone();
        assert!(one.go(TaskMove::Complete, NEXT, at("01-02T00:00")).is_err());
        assert_eq!(one, before);
        one.go(TaskMove::Cancel, NEXT, at("01-02T00:00")).unwrap();
        one.go(TaskMove::Reopen, NEXT, at("01-03T00:00")).unwrap();
        assert_eq!((one.task.status, one.task.completed_at, one.task.version), (TaskStatus::Todo, None, 3));
    }
}
