use std::collections::HashMap;

use chrono::{DateTime, Utc};
use muster_domain::operations::{BlockPayload, Operation, RowStatus, StoredRow};
use muster_domain::tasks::{StoredTask, TaskStatus};
use muster_domain::{TaskId, UserId};

use super::change_rows::Former;
use super::release::drop_lost_assignees;
use crate::imports::{RowProblem, failed_row};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// What takes back what a row did.
enum Opposite {
    Delete,
    Restore,
    PutBack(Former),
}

struct Wanted {
    row: u32,
    line: u64,
    task: TaskId,
    opposite: Opposite,
    /// The version that the row left.
    expected: Option<i64>,
}

impl App {
    /// Takes back what the rows of a block of another operation did, of those tasks that nobody has changed since. The next
    /// one of a series that was made by a completion is deleted with it, if nobody has touched it.
    pub(crate) async fn undo_task_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        let wanted = wanted(uow, operation, payload).await?;
        if wanted.is_empty() {
            return Ok(BlockWork::default());
        }
        let nexts = wanted.iter().filter_map(|wanted| next_of(&wanted.opposite));
        let ids: Vec<TaskId> = wanted.iter().map(|wanted| wanted.task).chain(nexts).collect();
        let locked = uow.tasks().lock(&ids).await?;
        let mut tasks: HashMap<TaskId, StoredTask> =
            locked.into_iter().map(|stored| (stored.task.id, stored)).collect();
        let now = self.ports.clock.now();
        let (mut rows, mut changed) = (Vec::with_capacity(wanted.len()), Vec::new());
        for Wanted { row, line, task, opposite, expected } in wanted {
            let mut done = match tasks.get_mut(&task) {
                Some(stored) if is_as_it_was_left(stored, &opposite) => {
                    if expected.is_some_and(|version| version != stored.task.version) {
                        let detail = "the task was changed since, and stays as it is";
                        failed_row(row, line, &[RowProblem::whole("changed_since", detail)])?
                    } else {
                        let status = take_back(stored, &opposite, now)?;
                        changed.push(task);
                        let version = Some(stored.task.version);
                        let next = next_of(&opposite).and_then(|next| tasks.get_mut(&next));
                        if let Some(next) = next.filter(|next| next.deleted_at.is_none() && next.task.version == 1) {
                            next.delete(now);
                            changed.push(next.task.id);
                        }
                        StoredRow { version, ..StoredRow::new(row, line, status) }
                    }
                }
                // It is gone, or back already: nothing is left to be taken back.
                _ => StoredRow::new(row, line, RowStatus::Skipped),
            };
            done.user = Some(UserId::new(task.get()));
            rows.push(done);
        }
        let mut changed: Vec<StoredTask> = changed.into_iter().filter_map(|id| tasks.remove(&id)).collect();
        drop_lost_assignees(uow, &mut changed).await?;
        uow.tasks().store(&changed).await?;
        Ok(BlockWork { created: 0, rows })
    }
}

/// What is to be taken back of a block's rows; those that did nothing, or were taken back before, are passed over.
async fn wanted(
    uow: &mut dyn UnitOfWork,
    operation: &Operation,
    payload: &BlockPayload,
) -> Result<Vec<Wanted>, AppError> {
    let Some(parent) = operation.parent else { return Err(AppError::internal("an undo of nothing")) };
    let (first, last) = (payload.first_row, payload.last_row());
    // Its results may have been removed while the undo was paused.
    let Some(parent) = uow.operations().find(parent.id).await? else { return Ok(Vec::new()) };
    let Some(block) = uow.operations().settled_block(parent.id, first).await? else { return Ok(Vec::new()) };
    let stored = uow.operations().stored_rows(parent.id, first, last).await?;
    let mut stored: HashMap<u32, StoredRow> = stored.into_iter().map(|row| (row.row, row)).collect();
    let taken_back = uow.operations().taken_back(parent.id, operation.id, first, last).await?;
    let mut wanted = Vec::new();
    for row in (first..=last).filter(|row| taken_back.binary_search(row).is_err()) {
        let found = stored.remove(&row);
        let status = found.as_ref().map(|row| row.status).or(block.unstored());
        if status == Some(RowStatus::Created) {
            let task = parent.task_of(row);
            wanted.push(Wanted { row, line: 0, task, opposite: Opposite::Delete, expected: Some(1) });
        } else if let Some(found) = found
            && let Some(opposite) = opposite(&found)?
            && let Some(id) = found.user
        {
            let task = TaskId::new(id.get());
            wanted.push(Wanted { row, line: found.line, task, opposite, expected: found.version });
        }
    }
    Ok(wanted)
}

fn opposite(row: &StoredRow) -> Result<Option<Opposite>, AppError> {
    Ok(match (row.status, &row.before) {
        (RowStatus::Updated, Some(former)) => {
            Some(Opposite::PutBack(serde_json::from_str(former).map_err(AppError::internal)?))
        }
        (RowStatus::Deleted, _) => Some(Opposite::Restore),
        _ => None,
    })
}

fn next_of(opposite: &Opposite) -> Option<TaskId> {
    match opposite {
        Opposite::PutBack(former) => former.next.as_deref().and_then(TaskId::parse),
        Opposite::Delete | Opposite::Restore => None,
    }
}

const fn is_as_it_was_left(stored: &StoredTask, opposite: &Opposite) -> bool {
    matches!(opposite, Opposite::Restore) == stored.deleted_at.is_some()
}

fn take_back(stored: &mut StoredTask, opposite: &Opposite, now: DateTime<Utc>) -> Result<RowStatus, AppError> {
    Ok(match opposite {
        Opposite::Delete => {
            stored.delete(now);
            RowStatus::Deleted
        }
        Opposite::Restore => {
            stored.restore(now);
            RowStatus::Restored
        }
        Opposite::PutBack(former) => {
            let status = TaskStatus::from_name(&former.status);
            let status = status.ok_or_else(|| AppError::internal("a former status that is none"))?;
            stored.put_back(status, former.completed_at, now);
            RowStatus::Updated
        }
    })
}
