use chrono::{DateTime, TimeDelta, Utc};

use super::StoredTask;
use crate::UserId;

/// How long after it was due a task that is still open is overdue: its creator is told then.
pub const OVERDUE_AFTER: TimeDelta = TimeDelta::hours(1);

/// Why a mail about a task goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReminderKind {
    /// One of the dates on which it reminds, to the assignee.
    Reminder,
    /// It is due, to the assignee.
    Due,
    /// It was due and is not done, to the creator.
    Overdue,
}

/// A mail that is to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// Why.
    pub kind: ReminderKind,
    /// To whom.
    pub to: UserId,
    /// The date it is about.
    pub at: DateTime<Utc>,
}

impl ReminderKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reminder, Self::Due, Self::Overdue];

    /// The name in storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reminder => "reminder",
            Self::Due => "due",
            Self::Overdue => "overdue",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl StoredTask {
    /// When the next mail is to go out; none while nobody is to be told anything. It is stored beside the task by each
    /// write of it, so that whoever sends reminders looks for it alone.
    pub fn next_reminder_at(&self) -> Option<DateTime<Utc>> {
        self.reminders().map(|reminder| reminder.at).filter(|at| *at > self.reminded_through).min()
    }

    /// Takes the mails that are due at `now`: of several to one person, the latest, for nobody wants to read the others.
    /// They are not due again. The version stays: nothing that clients see has changed.
    pub fn take_reminders(&mut self, now: DateTime<Utc>) -> Vec<Reminder> {
        let is_due = |reminder: &Reminder| reminder.at > self.reminded_through && reminder.at <= now;
        let mut due: Vec<Reminder> = Vec::new();
        for reminder in self.reminders().filter(is_due) {
            match due.iter_mut().find(|known| known.to == reminder.to) {
                Some(known) if known.at > reminder.at => {}
                Some(known) => *known = reminder,
                None => due.push(reminder),
            }
        }
        self.silence(now);
        due
    }

    /// Whether a mail that was taken is still to be sent: somebody is to be told of that date, and it is the same person.
    pub fn asks_for(&self, taken: &Reminder) -> bool {
        self.reminders().any(|reminder| reminder == *taken)
    }

    /// Whether a mail is due that nobody has taken.
    pub(super) fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.next_reminder_at().is_some_and(|at| at <= now)
    }

    /// Whatever would have reminded until now does not any more.
    pub(super) fn silence(&mut self, now: DateTime<Utc>) {
        self.reminded_through = self.reminded_through.max(now);
    }

    /// Every mail that the task as it is asks for, those that were sent included. Later ones of equal dates matter more.
    fn reminders(&self) -> impl Iterator<Item = Reminder> {
        let task = &self.task;
        let assignee = task.assignee.filter(|_| self.is_open());
        // Whoever does it themselves knows that it is due.
        let creator = task.creator.filter(|creator| self.is_open() && Some(*creator) != task.assignee);
        let overdue_at = task.due_at.and_then(|due| due.checked_add_signed(OVERDUE_AFTER));
        let to = |kind, to: Option<UserId>, at: DateTime<Utc>| to.map(|to| Reminder { kind, to, at });
        let dates = task.remind_at.iter().filter_map(move |at| to(ReminderKind::Reminder, assignee, *at));
        let due = task.due_at.and_then(|at| to(ReminderKind::Due, assignee, at));
        let overdue = overdue_at.and_then(|at| to(ReminderKind::Overdue, creator, at));
        dates.chain(due).chain(overdue)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::task::tests::{at, change, task};
    use super::*;
    use crate::TaskId;
    use crate::tasks::{TaskFields, TaskMove};
    use crate::users::Given;

    const ADA: &str = "01981c5e-7a00-7000-8000-00000000000a";
    const BOB: &str = "01981c5e-7a00-7000-8000-00000000000b";
    const NEXT: TaskId = TaskId::new(Uuid::from_u128(2));

    /// Reminds on the 4th and the 5th, is due on the 6th, always at noon.
    fn asked() -> StoredTask {
        task(
            TaskFields {
                assignee: Given::Text(ADA),
                creator: Given::Text(BOB),
                due_at: Given::Text("2026-01-06T12:00:00Z"),
                remind_at: Some(vec!["2026-01-04T12:00:00Z", "2026-01-05T12:00:00Z"]),
                ..TaskFields::default()
            },
            "01-01T00:00",
        )
    }

    fn taken(task: &mut StoredTask, now: &str) -> Vec<(ReminderKind, bool)> {
        let ada = UserId::parse(ADA).unwrap();
        task.take_reminders(at(now)).into_iter().map(|reminder| (reminder.kind, reminder.to == ada)).collect()
    }

    #[test]
    fn each_date_reminds_once() {
        let mut one = asked();
        assert_eq!(one.next_reminder_at(), Some(at("01-04T12:00")));
        assert_eq!(taken(&mut one, "01-04T11:59"), []);
        assert_eq!(taken(&mut one, "01-04T12:00"), [(ReminderKind::Reminder, true)]);
        assert_eq!(taken(&mut one, "01-04T12:00"), []);
        assert_eq!(one.next_reminder_at(), Some(at("01-05T12:00")));
        assert_eq!(taken(&mut one, "01-05T12:00"), [(ReminderKind::Reminder, true)]);
        assert_eq!(taken(&mut one, "01-06T12:00"), [(ReminderKind::Due, true)]);
        assert_eq!(taken(&mut one, "01-06T13:00"), [(ReminderKind::Overdue, false)]);
        assert_eq!((one.next_reminder_at(), one.task.version), (None, 1));
    }

    #[test]
    fn what_is_late_comes_once_for_each_person() {
        let mut one = asked();
        assert_eq!(taken(&mut one, "02-06T12:00"), [(ReminderKind::Due, true), (ReminderKind::Overdue, false)]);
        assert_eq!(one.next_reminder_at(), None);
    }

    #[test]
    fn nobody_is_told_of_what_is_over() {
        for by in [TaskMove::Cancel, TaskMove::Complete] {
            let mut one = asked();
            one.go(TaskMove::Start, NEXT, at("01-02T00:00")).unwrap();
            one.go(by, NEXT, at("01-02T00:00")).unwrap();
            assert_eq!((one.next_reminder_at(), taken(&mut one.clone(), "02-01T00:00")), (None, vec![]));
            // What would have reminded meanwhile stays silent.
            one.go(TaskMove::Reopen, NEXT, at("01-05T13:00")).unwrap();
            assert_eq!(one.next_reminder_at(), Some(at("01-06T12:00")));
        }
        let mut one = asked();
        one.delete(at("01-02T00:00"));
        assert_eq!(one.next_reminder_at(), None);
        one.restore(at("01-04T13:00"));
        assert_eq!(one.next_reminder_at(), Some(at("01-05T12:00")));
    }

    #[test]
    fn what_was_taken_is_wanted_while_the_task_asks_for_it() {
        let mut one = asked();
        let taken = one.take_reminders(at("01-06T13:00"));
        let wanted = |one: &StoredTask| taken.iter().filter(|reminder| one.asks_for(reminder)).count();
        assert_eq!((taken.len(), wanted(&one)), (2, 2));
        let mut cancelled = one.clone();
        cancelled.go(TaskMove::Cancel, NEXT, at("01-06T13:01")).unwrap();
        assert_eq!(wanted(&cancelled), 0);
        let mut deleted = one.clone();
        deleted.delete(at("01-06T13:01"));
        assert_eq!(wanted(&deleted), 0);
        let mut moved = one.clone();
        let later = TaskFields { due_at: Given::Text("2026-01-09T00:00:00Z"), ..TaskFields::default() };
        change(&mut moved, &later, "01-06T13:01").unwrap();
        assert_eq!(wanted(&moved), 0, "it is not due any more");
        // Whoever has it now was not to be told; the creator still is.
        let other = TaskFields { assignee: Given::Null, ..TaskFields::default() };
        change(&mut one, &other, "01-06T13:01").unwrap();
        assert_eq!(wanted(&one), 1);
    }

    #[test]
    fn dates_that_are_over_when_they_are_set_remind_nobody() {
        let mut one = asked();
        let over = TaskFields { due_at: Given::Text("2026-01-02T00:00:00Z"), ..TaskFields::default() };
        change(&mut one, &over, "01-03T00:00").unwrap();
        assert_eq!(one.next_reminder_at(), Some(at("01-04T12:00")));
        // What is due already when a date is set is not lost.
        let later = TaskFields { due_at: Given::Text("2026-01-09T00:00:00Z"), ..TaskFields::default() };
        change(&mut one, &later, "01-04T12:01").unwrap();
        assert_eq!(one.next_reminder_at(), Some(at("01-04T12:00")));
    }

    #[test]
    fn nobody_is_reminded_where_nobody_is_assigned() {
        let mut one = asked();
        let nobody = TaskFields { assignee: Given::Null, ..TaskFields::default() };
        change(&mut one, &nobody, "01-02T00:00").unwrap();
        assert_eq!(one.next_reminder_at(), Some(at("01-06T13:00")), "the creator still is told");
        let bob = TaskFields { assignee: Given::Text(BOB), ..TaskFields::default() };
        change(&mut one, &bob, "01-04T12:30").unwrap();
        assert_eq!(one.next_reminder_at(), Some(at("01-05T12:00")));
        one.silence(at("01-06T12:00"));
        assert_eq!(one.next_reminder_at(), None, "who is assigned is not told again as the creator");
    }
}
