use muster_domain::operations::{IdempotencyEntry, KeyOwner};
use muster_domain::tasks::{StoredTask, Task, TaskChanges, TaskFields};

use super::fields::both;
use super::people;
use crate::imports::{RowProblem, key_reused};
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// Make one task of what was read of a request.
#[derive(Debug)]
pub struct CreateTask<'a> {
    /// The fields.
    pub fields: TaskFields<'a>,
    /// What could not be read of the request.
    pub problems: Vec<RowProblem>,
    /// What makes a repeated request the same request, and the digest of its body.
    pub key: Option<(&'a str, [u8; 32])>,
}

/// The task that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedTask {
    /// As it is now.
    pub task: Task,
    /// Whether the key and the body had been seen before.
    pub replayed: bool,
}

impl App {
    /// Makes one task, with what is to remind of it, in one commit.
    ///
    /// # Errors
    /// `Invalid` with every field that breaks a rule, and when the key stands for another body.
    pub async fn create_task(&self, ctx: &Context, command: CreateTask<'_>) -> Result<CreatedTask, AppError> {
        let mut said = both(TaskChanges::parse_new(&command.fields), command.problems)?;
        let title = said.title.take().ok_or_else(|| AppError::internal("a new task has no title"))?;
        let (id, now) = (self.ports.ids.task_id(), self.ports.clock.now());
        let mut uow = self.begin(ctx).await?;
        if let Some((key, digest)) = command.key {
            let expires_at = now + self.settings.key_lifetime;
            if let Some(entry) = uow.operations().claim_key(key, KeyOwner::Task(id), Some(digest), expires_at).await? {
                drop(uow);
                return self.task_created_before(ctx, entry, digest).await;
            }
        }
        people::check(uow.as_mut(), &mut said, people::asking(ctx)).await?;
        let zone = uow.tasks().settings().await?.zone;
        let made = StoredTask::new(id, title, said, zone, now);
        let stored = made.map_err(|error| AppError::wrong_fields(vec![error.into()]))?;
        uow.tasks().insert(std::slice::from_ref(&stored)).await?;
        uow.commit().await?;
        Ok(CreatedTask { task: stored.task, replayed: false })
    }

    /// The answer to a repeated request: the task as it is now, for what it was is kept nowhere.
    async fn task_created_before(
        &self,
        ctx: &Context,
        entry: IdempotencyEntry,
        digest: [u8; 32],
    ) -> Result<CreatedTask, AppError> {
        let KeyOwner::Task(id) = entry.owner else { return Err(key_reused()) };
        if entry.digest != Some(digest) {
            return Err(key_reused());
        }
        let found = self.ports.tasks.find(ctx.tenant, id).await?;
        let task = found.ok_or_else(|| {
            let message = "the task that this Idempotency-Key made has been deleted since; use another key";
            AppError::new(ErrorKind::Conflict, ErrorCode::Conflict, message)
        })?;
        Ok(CreatedTask { task, replayed: true })
    }
}
