//! Tasks: what is to be done, by whom and by when, and who is reminded of it.

mod fields;
mod priority;
mod query;
mod recurrence;
mod reminder_mails;
mod reminders;
mod repository;
mod settings;
mod status;
mod tags;
mod task;
mod text;

pub use fields::{TaskChanges, TaskFields};
pub use priority::TaskPriority;
pub use query::{TaskFilter, TaskPosition, TaskSort, TaskSortKey, TaskSortValue};
pub use recurrence::{Recurrence, RecurrenceRule};
pub use reminder_mails::{OpenReminder, ReminderMail, ReminderReader, ReminderRepository};
pub use reminders::{OVERDUE_AFTER, Reminder, ReminderKind};
pub use repository::{TaskReader, TaskRepository};
pub use settings::{Orphans, QuietHours, TaskSettings};
pub use status::{IllegalMove, TaskMove, TaskStatus};
pub use tags::{MAX_CHARS as MAX_TAG_CHARS, Tags};
pub use task::{StoredTask, Task};
pub use text::{TaskDescription, TaskTitle};
