use muster_domain::TaskId;
use muster_domain::tasks::{Task, TaskFields};
use serde_json::{Map, Value};

use super::{UpdateTask, read_fields};
use crate::imports::RowProblem;
use crate::precondition::Versions;
use crate::{App, AppError, Context};

impl App {
    /// Gives a living task to somebody, or to nobody, as `assignee_id` of the body says.
    ///
    /// # Errors
    /// As `update_task`.
    pub async fn assign_task(
        &self,
        ctx: &Context,
        id: TaskId,
        body: &Map<String, Value>,
        expected: Versions,
    ) -> Result<Task, AppError> {
        if !body.contains_key("assignee_id") {
            let detail = "is required: the id of a user, or null for nobody";
            return Err(AppError::wrong_fields(vec![RowProblem::of("assignee_id", "missing", detail)]));
        }
        let (said, mut problems) = read_fields(body);
        problems.retain(|problem| problem.field.as_deref() == Some("assignee_id"));
        let fields = TaskFields { assignee: said.assignee, ..TaskFields::default() };
        self.update_task(ctx, UpdateTask { id, fields, problems, expected }).await
    }
}
