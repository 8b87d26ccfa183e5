//! Tasks as rows: read from columns, and written as arrays, one for each column.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use muster_domain::tasks::{
    Recurrence, RecurrenceRule, StoredTask, Tags, Task, TaskDescription, TaskPriority, TaskStatus, TaskTitle,
};
use muster_domain::{RepositoryError, TaskId, UserId};
use uuid::Uuid;

use super::convert::{to_i32, to_place, to_u32};
use super::error::damaged;

/// The columns of [`TaskRow`], to be followed by conditions.
pub(super) const SELECT: &str = "select id, title, description, status, priority, assignee_id, creator_id, due_at, \
                                 remind_at, tags, recurrence, series_id, series_number, series_start, series_at, \
                                 series_zone, completed_at, version, created_at, updated_at, deleted_at, \
                                 reminded_through from tasks where tenant_id = ";

#[derive(sqlx::FromRow)]
pub(super) struct TaskRow {
    id: Uuid,
    title: String,
    description: Option<String>,
    status: String,
    priority: i16,
    assignee_id: Option<Uuid>,
    creator_id: Option<Uuid>,
    due_at: Option<DateTime<Utc>>,
    remind_at: Vec<DateTime<Utc>>,
    tags: Vec<String>,
    recurrence: Option<String>,
    series_id: Option<Uuid>,
    series_number: Option<i32>,
    series_start: Option<DateTime<Utc>>,
    series_at: Option<DateTime<Utc>>,
    series_zone: Option<String>,
    completed_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    deleted_at: Option<DateTime<Utc>>,
    reminded_through: DateTime<Utc>,
}

impl TaskRow {
    pub(super) fn read(self) -> Result<StoredTask, RepositoryError> {
        let recurrence = self.recurrence()?;
        let task = Task {
            id: TaskId::new(self.id),
            title: TaskTitle::from_stored(self.title),
            description: self.description.map(TaskDescription::from_stored),
            status: TaskStatus::from_name(&self.status).ok_or_else(|| damaged("status"))?,
            priority: TaskPriority::from_rank(self.priority).ok_or_else(|| damaged("priority"))?,
            assignee: self.assignee_id.map(UserId::new),
            creator: self.creator_id.map(UserId::new),
            due_at: self.due_at,
            remind_at: self.remind_at,
            tags: Tags::from_stored(self.tags),
            recurrence,
            completed_at: self.completed_at,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok(StoredTask { task, deleted_at: self.deleted_at, reminded_through: self.reminded_through })
    }

    fn recurrence(&self) -> Result<Option<Recurrence>, RepositoryError> {
        let Some(rule) = self.recurrence.clone() else { return Ok(None) };
        let found = (|| {
            Some(Recurrence {
                rule: RecurrenceRule::from_stored(rule),
                series: TaskId::new(self.series_id?),
                number: to_u32(self.series_number?).ok()?,
                start: self.series_start?,
                at: self.series_at?,
                zone: self.series_zone.as_deref()?.parse::<Tz>().ok()?,
            })
        })();
        found.map(Some).ok_or_else(|| damaged("series of tasks"))
    }
}

/// Tasks as arrays: one statement however many there are. An array of lists would be one list for Postgres, so lists within a
/// row are text, or a part of one list for all rows.
#[derive(Default)]
pub(super) struct TaskColumns {
    pub(super) ids: Vec<Uuid>,
    pub(super) titles: Vec<String>,
    pub(super) descriptions: Vec<Option<String>>,
    pub(super) statuses: Vec<String>,
    pub(super) priorities: Vec<i16>,
    pub(super) assignees: Vec<Option<Uuid>>,
    pub(super) creators: Vec<Option<Uuid>>,
    pub(super) due_at: Vec<Option<DateTime<Utc>>>,
    /// Of all tasks, one after another: as text, two dates of a task would take as long to read as all else of it.
    pub(super) remind_at: Vec<DateTime<Utc>>,
    /// Where those of a task begin, counted from 1.
    pub(super) remind_from: Vec<i32>,
    /// Where they end; before they begin, if there are none.
    pub(super) remind_to: Vec<i32>,
    /// With semicolons between them, which no tag has.
    pub(super) tags: Vec<String>,
    pub(super) recurrences: Vec<Option<String>>,
    pub(super) series_ids: Vec<Option<Uuid>>,
    pub(super) series_numbers: Vec<Option<i32>>,
    pub(super) series_starts: Vec<Option<DateTime<Utc>>>,
    pub(super) series_at: Vec<Option<DateTime<Utc>>>,
    pub(super) series_zones: Vec<Option<String>>,
    pub(super) completed_at: Vec<Option<DateTime<Utc>>>,
    pub(super) versions: Vec<i64>,
    pub(super) created_at: Vec<DateTime<Utc>>,
    pub(super) updated_at: Vec<DateTime<Utc>>,
    pub(super) deleted_at: Vec<Option<DateTime<Utc>>>,
    pub(super) reminded_through: Vec<DateTime<Utc>>,
    pub(super) next_reminder_at: Vec<Option<DateTime<Utc>>>,
}

impl TaskColumns {
    pub(super) fn of(tasks: &[StoredTask]) -> Result<Self, RepositoryError> {
        let mut columns = Self::default();
        for stored in tasks {
            columns.push(stored)?;
        }
        Ok(columns)
    }

    fn push(&mut self, stored: &StoredTask) -> Result<(), RepositoryError> {
        let (task, series) = (&stored.task, stored.task.recurrence.as_ref());
        self.ids.push(task.id.get());
        self.titles.push(task.title.as_str().to_owned());
        self.descriptions.push(task.description.as_ref().map(|text| text.as_str().to_owned()));
        self.statuses.push(task.status.name().to_owned());
        self.priorities.push(task.priority.rank());
        self.assignees.push(task.assignee.map(UserId::get));
        self.creators.push(task.creator.map(UserId::get));
        self.due_at.push(task.due_at);
        self.remind_from.push(to_place(self.remind_at.len() + 1)?);
        self.remind_at.extend(&task.remind_at);
        self.remind_to.push(to_place(self.remind_at.len())?);
        self.tags.push(task.tags.as_slice().join(";"));
        self.recurrences.push(series.map(|series| series.rule.as_str().to_owned()));
        self.series_ids.push(series.map(|series| series.series.get()));
        self.series_numbers.push(series.map(|series| to_i32(series.number)).transpose()?);
        self.series_starts.push(series.map(|series| series.start));
        self.series_at.push(series.map(|series| series.at));
        self.series_zones.push(series.map(|series| series.zone.name().to_owned()));
        self.completed_at.push(task.completed_at);
        self.versions.push(task.version);
        self.created_at.push(task.created_at);
        self.updated_at.push(task.updated_at);
        self.deleted_at.push(stored.deleted_at);
        self.reminded_through.push(stored.reminded_through);
        self.next_reminder_at.push(stored.next_reminder_at());
        Ok(())
    }
}
