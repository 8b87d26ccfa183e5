use muster_domain::UserId;
use muster_domain::tasks::{Task, TaskFilter, TaskPosition, TaskSort};

use crate::{App, AppError, Context};

/// A page of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskPage {
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    /// Whether there are more behind them.
    pub has_next: bool,
}

/// Which page of which tasks.
#[derive(Debug, Clone)]
pub struct ListTasks {
    /// Which tasks.
    pub filter: TaskFilter,
    /// In which order.
    pub sort: TaskSort,
    /// Behind this position of the same order; none for the beginning.
    pub after: Option<TaskPosition>,
    /// How many at most.
    pub limit: u32,
}

impl App {
    /// Tasks whom the filter means, a page at a time.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn tasks(&self, ctx: &Context, query: ListTasks) -> Result<TaskPage, AppError> {
        let ListTasks { filter, sort, after, limit } = query;
        // One more, to see whether there are more.
        let found = self.ports.tasks.page(ctx.tenant, &filter, sort, after, limit.saturating_add(1)).await?;
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_next = found.len() > most;
        let mut tasks = found;
        tasks.truncate(most);
        Ok(TaskPage { tasks, has_next })
    }

    /// The same of one living user.
    ///
    /// # Errors
    /// `NotFound` when there is no such user.
    pub async fn tasks_of_user(&self, ctx: &Context, user: UserId, query: ListTasks) -> Result<TaskPage, AppError> {
        self.user(ctx, user).await?;
        let filter = TaskFilter { assignee: Some(Some(user)), ..query.filter };
        self.tasks(ctx, ListTasks { filter, ..query }).await
    }
}
