//! Making, reading, changing, moving and removing single tasks, and listing them.

mod assign;
mod change_rows;
mod conditions;
mod create;
mod delete;
mod fields;
mod get;
mod import_rows;
mod list;
mod people;
mod release;
mod restore;
mod settings;
mod transition;
mod undo_rows;
mod update;

pub use conditions::{read_task_filter, tag};
pub use create::{CreateTask, CreatedTask};
pub use fields::{COLUMNS, read_fields};
pub use list::{ListTasks, TaskPage};
pub use update::UpdateTask;

/// What a write is told that expects another version.
const CHANGED: &str = "the task was changed since; read it again";
