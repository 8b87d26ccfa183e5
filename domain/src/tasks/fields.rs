use chrono::{DateTime, Utc};

use super::{RecurrenceRule, Tags, TaskDescription, TaskPriority, TaskTitle};
use crate::users::Given;
use crate::{FieldError, UserId, instant};

/// Most dates on which a task reminds, besides the one on which it is due.
const MAX_REMINDERS: usize = 20;

/// What a client says about a task, unchecked.
#[derive(Debug, Clone, Default)]
pub struct TaskFields<'a> {
    /// Cannot be cleared.
    pub title: Given<'a>,
    /// Can be cleared.
    pub description: Given<'a>,
    /// Cannot be cleared.
    pub priority: Given<'a>,
    /// Can be cleared.
    pub assignee: Given<'a>,
    /// Only when the task is made.
    pub creator: Given<'a>,
    /// Can be cleared.
    pub due_at: Given<'a>,
    /// All of them; none keeps those that are there.
    pub remind_at: Option<Vec<&'a str>>,
    /// All of them; none keeps those that are there.
    pub tags: Option<Vec<&'a str>>,
    /// Can be cleared.
    pub recurrence: Given<'a>,
}

/// What is said about a task, each part of which keeps its rules. What is none stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskChanges {
    /// The title from now on.
    pub title: Option<TaskTitle>,
    /// The description from now on; the inner none clears it.
    pub description: Option<Option<TaskDescription>>,
    /// The priority from now on.
    pub priority: Option<TaskPriority>,
    /// Who is to do it; the inner none is nobody.
    pub assignee: Option<Option<UserId>>,
    /// Who is told when it is overdue, of a new task.
    pub creator: Option<UserId>,
    /// When it is due; the inner none is never.
    pub due_at: Option<Option<DateTime<Utc>>>,
    /// When it reminds besides, ascending.
    pub remind_at: Option<Vec<DateTime<Utc>>>,
    /// The tags from now on.
    pub tags: Option<Tags>,
    /// How it comes again; the inner none ends its series.
    pub recurrence: Option<Option<RecurrenceRule>>,
}

impl TaskChanges {
    /// Checks all fields at once.
    ///
    /// # Errors
    /// One error for each field that breaks a rule.
    pub fn parse(fields: &TaskFields<'_>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let changes = Self {
            title: set("title", fields.title, TaskTitle::parse, &mut errors),
            description: clear(fields.description, TaskDescription::parse, &mut errors),
            priority: set("priority", fields.priority, priority, &mut errors),
            assignee: clear(fields.assignee, |text| user("assignee_id", text).map(Some), &mut errors),
            creator: set("creator_id", fields.creator, |text| user("creator_id", text), &mut errors),
            due_at: clear(fields.due_at, |text| moment("due_at", text).map(Some), &mut errors),
            remind_at: taken(fields.remind_at.as_deref().map(reminders), &mut errors),
            tags: taken(fields.tags.as_deref().map(|tags| Tags::parse(tags.iter().copied())), &mut errors),
            recurrence: clear(fields.recurrence, |text| RecurrenceRule::parse(text).map(Some), &mut errors),
        };
        if errors.is_empty() { Ok(changes) } else { Err(errors) }
    }

    /// The same for a task that is to be made: what it must have is there.
    ///
    /// # Errors
    /// As `parse`.
    pub fn parse_new(fields: &TaskFields<'_>) -> Result<Self, Vec<FieldError>> {
        let missing = || FieldError::new("title", "missing", "is required");
        let unset = matches!(fields.title, Given::Absent);
        match Self::parse(fields) {
            Ok(changes) if !unset => Ok(changes),
            Ok(_) => Err(vec![missing()]),
            Err(mut errors) => {
                if unset {
                    errors.insert(0, missing());
                }
                Err(errors)
            }
        }
    }
}

fn taken<T>(parsed: Option<Result<T, FieldError>>, errors: &mut Vec<FieldError>) -> Option<T> {
    match parsed? {
        Ok(value) => Some(value),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

/// A field that always has a value.
fn set<T>(
    field: &'static str,
    given: Given<'_>,
    parse: impl FnOnce(&str) -> Result<T, FieldError>,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let parsed = match given {
        Given::Absent => None,
        Given::Null => Some(Err(FieldError::new(field, "missing", "must not be null; leave it out to keep it"))),
        Given::Text(text) => Some(parse(text)),
    };
    taken(parsed, errors)
}

/// A field that may be empty.
#[expect(clippy::option_option, reason = "not given, empty and a value are three things")]
fn clear<T>(
    given: Given<'_>,
    parse: impl FnOnce(&str) -> Result<Option<T>, FieldError>,
    errors: &mut Vec<FieldError>,
) -> Option<Option<T>> {
    let parsed = match given {
        Given::Absent => None,
        Given::Null => Some(Ok(None)),
        Given::Text(text) => Some(parse(text)),
    };
    taken(parsed, errors)
}

fn priority(text: &str) -> Result<TaskPriority, FieldError> {
    let right = "must be low, normal, high or urgent";
    TaskPriority::from_name(text).ok_or_else(|| FieldError::new("priority", "invalid_priority", right))
}

fn user(field: &'static str, text: &str) -> Result<UserId, FieldError> {
    let right = "must be the UUID of a user, such as 01981c5e-7a00-7000-8000-000000000001";
    UserId::parse(text).ok_or_else(|| FieldError::new(field, "invalid_id", right))
}

fn moment(field: &'static str, text: &str) -> Result<DateTime<Utc>, FieldError> {
    let right = "must be an instant such as 2026-01-31T12:00:00Z";
    instant(text).ok_or_else(|| FieldError::new(field, "invalid_instant", right))
}

fn reminders(texts: &[&str]) -> Result<Vec<DateTime<Utc>>, FieldError> {
    if texts.len() > MAX_REMINDERS {
        return Err(FieldError::new("remind_at", "too_many", "must be at most 20 dates"));
    }
    let dates: Result<Vec<_>, _> = texts.iter().map(|text| moment("remind_at", text)).collect();
    let mut dates = dates?;
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_field_is_named() {
        let fields = TaskFields {
            description: Given::Text("\0"),
            priority: Given::Text("highest"),
            assignee: Given::Text("ada"),
            creator: Given::Null,
            due_at: Given::Text("tomorrow"),
            remind_at: Some(vec!["2026-01-01T00:00:00Z", "never"]),
            tags: Some(vec![""]),
            recurrence: Given::Text("FREQ=YEARLY"),
            ..TaskFields::default()
        };
        let errors = TaskChanges::parse_new(&fields).unwrap_err();
        let found: Vec<_> = errors.iter().map(|error| (error.field, error.code)).collect();
        assert_eq!(
            found,
            [
                ("title", "missing"),
                ("description", "control_character"),
                ("priority", "invalid_priority"),
                ("assignee_id", "invalid_id"),
                ("creator_id", "missing"),
                ("due_at", "invalid_instant"),
                ("remind_at", "invalid_instant"),
                ("tags", "invalid_tag"),
                ("recurrence", "invalid_recurrence"),
            ]
        );
    }

    #[test]
    fn absent_keeps_null_clears_and_dates_are_sorted() {
        assert_eq!(TaskChanges::parse(&TaskFields::default()).unwrap(), TaskChanges::default());
        let fields = TaskFields {
            due_at: Given::Null,
            assignee: Given::Null,
            remind_at: Some(vec!["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
            ..TaskFields::default()
        };
        let changes = TaskChanges::parse(&fields).unwrap();
        assert_eq!((changes.due_at, changes.assignee), (Some(None), Some(None)));
        let dates = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"].map(|text| instant(text).unwrap());
        assert_eq!(changes.remind_at.unwrap(), dates);
    }
}
