use muster_domain::TaskId;
use muster_domain::tasks::{Task, TaskChanges, TaskFields};

use super::fields::both;
use super::{CHANGED, get, people};
use crate::imports::RowProblem;
use crate::precondition::{self, Versions};
use crate::{App, AppError, Context};

/// Change a task.
#[derive(Debug)]
pub struct UpdateTask<'a> {
    /// Which.
    pub id: TaskId,
    /// What is said about it; who created it is not changed.
    pub fields: TaskFields<'a>,
    /// What could not be read of the request.
    pub problems: Vec<RowProblem>,
    /// Only if the task is at one of these versions.
    pub expected: Versions,
}

impl App {
    /// Changes a living task; what makes no difference is no change, and leaves the version as it is. What is to remind of
    /// it changes with it.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule; `NotFound`; `PreconditionFailed`.
    pub async fn update_task(&self, ctx: &Context, command: UpdateTask<'_>) -> Result<Task, AppError> {
        let mut said = both(TaskChanges::parse(&command.fields), command.problems)?;
        said.creator = None;
        let mut uow = self.begin(ctx).await?;
        people::check(uow.as_mut(), &mut said, None).await?;
        let zone = uow.tasks().settings().await?.zone;
        let mut stored = get::lock_living(uow.as_mut(), command.id).await?;
        precondition::check(stored.task.version, &command.expected, CHANGED)?;
        let changed = stored.change(said, zone, self.ports.clock.now());
        if changed.map_err(|error| AppError::wrong_fields(vec![error.into()]))? {
            uow.tasks().store(std::slice::from_ref(&stored)).await?;
            uow.commit().await?;
        }
        Ok(stored.task)
    }
}
