use muster_domain::tasks::{TaskFilter, TaskSort};
use muster_domain::users::{PageStart, UserFilter, UserPosition};

use super::{Target, Upload};
use crate::AppError;
use crate::imports::ImportRow;

/// Users or tasks that are read at once for an operation on whom a filter means.
const GATHERED: u32 = 2_000;

impl Upload {
    /// Takes a row for each user whom the filter means, as `template` says, read page by page; `false` if there is nobody.
    ///
    /// # Errors
    /// As `push` and `flush`; `Unavailable` when storage is down.
    pub async fn gather(&mut self, filter: &UserFilter, template: &ImportRow<'_>) -> Result<bool, AppError> {
        if matches!(self.target, Target::Replay(_)) {
            // Whoever came first has found somebody.
            return Ok(true);
        }
        let mut after = None;
        loop {
            let start = PageStart::After(after);
            let users = self.app.ports.user_list.page(self.ctx.tenant, filter, start, GATHERED).await?;
            for user in &users {
                let line = u64::from(self.builder.rows()) + 1;
                self.push(&ImportRow { line, id: Some(user.id.to_string().into()), ..template.clone() })?;
            }
            self.flush().await?;
            after = users.last().map(|user| UserPosition { created_at: user.created_at, id: user.id });
            if u32::try_from(users.len()).is_ok_and(|found| found < GATHERED) {
                break;
            }
        }
        Ok(self.builder.rows() > 0)
    }

    /// The same for each task that the filter means.
    ///
    /// # Errors
    /// As `gather`.
    pub async fn gather_tasks(&mut self, filter: &TaskFilter) -> Result<bool, AppError> {
        if matches!(self.target, Target::Replay(_)) {
            return Ok(true);
        }
        let (sort, mut after) = (TaskSort::default(), None);
        loop {
            let tasks = self.app.ports.tasks.page(self.ctx.tenant, filter, sort, after, GATHERED).await?;
            for task in &tasks {
                let line = u64::from(self.builder.rows()) + 1;
                self.push(&ImportRow { line, id: Some(task.id.to_string().into()), ..ImportRow::default() })?;
            }
            self.flush().await?;
            after = tasks.last().map(|task| sort.position(task));
            if u32::try_from(tasks.len()).is_ok_and(|found| found < GATHERED) {
                break;
            }
        }
        Ok(self.builder.rows() > 0)
    }
}
