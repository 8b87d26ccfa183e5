use chrono::{DateTime, Utc};
use muster_domain::UserId;
use muster_domain::tasks::{Orphans, StoredTask, TaskChanges};

use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// Tasks that change hands with one statement.
const STEP: u32 = 1_000;

impl App {
    /// Gives the open tasks of users who are being deleted to whom the tenant's policy says. Within the unit of work that
    /// deletes them and holds their locks: nobody can be given a task meanwhile.
    pub(crate) async fn release_tasks(
        &self,
        uow: &mut dyn UnitOfWork,
        users: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<(), AppError> {
        loop {
            let mut tasks = uow.tasks().lock_open_of(users, STEP).await?;
            if tasks.is_empty() {
                return Ok(());
            }
            let settings = uow.tasks().settings().await?;
            let heirs = match settings.orphans {
                Orphans::Unassign => Vec::new(),
                Orphans::ToCreator => {
                    let mut creators: Vec<UserId> = tasks.iter().filter_map(|stored| stored.task.creator).collect();
                    creators.sort_unstable();
                    creators.dedup();
                    creators.retain(|creator| !users.contains(creator));
                    uow.tasks().living(&creators).await?
                }
            };
            for stored in &mut tasks {
                let heir = stored.task.creator.filter(|creator| heirs.contains(creator));
                let changes = TaskChanges { assignee: Some(heir), ..TaskChanges::default() };
                stored.change(changes, settings.zone, now).map_err(AppError::internal)?;
            }
            uow.tasks().store(&tasks).await?;
        }
    }
}

/// Takes assignees who are not alive out of tasks that are open again.
pub(super) async fn drop_lost_assignees(uow: &mut dyn UnitOfWork, tasks: &mut [StoredTask]) -> Result<(), AppError> {
    let mut assignees: Vec<UserId> = tasks.iter().filter_map(|stored| stored.task.assignee).collect();
    assignees.sort_unstable();
    assignees.dedup();
    let living = uow.tasks().living(&assignees).await?;
    for stored in tasks {
        stored.task.assignee = stored.task.assignee.filter(|assignee| !stored.is_open() || living.contains(assignee));
    }
    Ok(())
}
