use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use muster_domain::operations::{BlockPayload, Operation, OperationKind, RowStatus, StoredRow};
use muster_domain::tasks::{StoredTask, TaskMove, TaskStatus};
use muster_domain::{TaskId, UserId};
use serde::{Deserialize, Serialize};

use super::release::drop_lost_assignees;
use crate::busy::busy;
use crate::imports::{BlockRows, ImportRow, RowProblem, failed_row};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

/// How far a task was before a row moved it, and the task that came of that: kept for an undo.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Former {
    pub(super) status: String,
    pub(super) completed_at: Option<DateTime<Utc>>,
    /// The next one of its series, if it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

/// Which task a row is about.
struct Wanted {
    row: u32,
    line: u64,
    task: TaskId,
}

impl App {
    /// Does to the tasks of a block's rows what the kind of the operation says. One statement locks them all, one stores
    /// them all, and one inserts the next ones of their series.
    pub(crate) async fn change_task_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        let (wanted, mut rows) = busy(|| parse(payload))?;
        let ids: Vec<TaskId> = wanted.iter().map(|wanted| wanted.task).collect();
        let locked = uow.tasks().lock(&ids).await?;
        let mut tasks: HashMap<TaskId, StoredTask> =
            locked.into_iter().map(|stored| (stored.task.id, stored)).collect();
        let now = self.ports.clock.now();
        let (mut changed, mut next, mut seen) = (Vec::new(), Vec::new(), BTreeMap::new());
        for Wanted { row, line, task: id } in wanted {
            let judged = match (seen.get(&id), tasks.get_mut(&id)) {
                (Some(first), _) => Err(RowProblem::whole(
                    "duplicate_in_file",
                    format!("is about the same task as row {first} of this operation"),
                )),
                (None, Some(task)) => self.judge_task(operation.kind, task, now),
                (None, None) => Err(not_found()),
            };
            seen.entry(id).or_insert(row);
            let mut done = match judged {
                Ok((status, former, made)) => {
                    changed.push(id);
                    let version = tasks.get(&id).map(|stored| stored.task.version);
                    let former = former
                        .map(|former| Former { next: made.as_ref().map(|next| next.task.id.to_string()), ..former });
                    let before = former.map(|former| serde_json::to_string(&former)).transpose();
                    next.extend(made);
                    StoredRow {
                        version,
                        before: before.map_err(AppError::internal)?,
                        ..StoredRow::new(row, line, status)
                    }
                }
                Err(problem) => failed_row(row, line, &[problem])?,
            };
            done.user = Some(UserId::new(id.get()));
            rows.push(done);
        }
        let mut changed: Vec<StoredTask> = changed.into_iter().filter_map(|id| tasks.remove(&id)).collect();
        if operation.kind == OperationKind::TasksReopen {
            drop_lost_assignees(uow, &mut changed).await?;
        }
        uow.tasks().store(&changed).await?;
        uow.tasks().insert(&next).await?;
        Ok(BlockWork { created: 0, rows })
    }

    /// Changes a task as the kind says, unless its status forbids it; what it was, and the next one of its series.
    fn judge_task(
        &self,
        kind: OperationKind,
        stored: &mut StoredTask,
        now: DateTime<Utc>,
    ) -> Result<(RowStatus, Option<Former>, Option<StoredTask>), RowProblem> {
        if stored.deleted_at.is_some() {
            return Err(not_found());
        }
        let by = match kind {
            OperationKind::TasksStart => TaskMove::Start,
            OperationKind::TasksComplete => TaskMove::Complete,
            OperationKind::TasksCancel => TaskMove::Cancel,
            OperationKind::TasksReopen => TaskMove::Reopen,
            _ => {
                stored.delete(now);
                return Ok((RowStatus::Deleted, None, None));
            }
        };
        let was: TaskStatus = stored.task.status;
        let former = Former { status: was.name().to_owned(), completed_at: stored.task.completed_at, next: None };
        let next = stored.go(by, self.ports.ids.task_id(), now);
        let next = next.map_err(|error| RowProblem::whole("illegal_move", error.to_string()))?;
        Ok((RowStatus::Updated, Some(former), next))
    }
}

fn not_found() -> RowProblem {
    RowProblem::of("id", "not_found", "there is no such living task")
}

/// Which task each row is about, and those that cannot be read.
fn parse(payload: &BlockPayload) -> Result<(Vec<Wanted>, Vec<StoredRow>), AppError> {
    let mut rows = BlockRows::new(payload.data.clone())?;
    let (mut wanted, mut failed) = (Vec::new(), Vec::new());
    for row in payload.first_row..=payload.last_row() {
        let read = rows.next_row()?;
        match id_of(&read) {
            Ok(task) => wanted.push(Wanted { row, line: read.line, task }),
            Err(problems) => failed.push(failed_row(row, read.line, &problems)?),
        }
    }
    Ok((wanted, failed))
}

fn id_of(row: &ImportRow<'_>) -> Result<TaskId, Vec<RowProblem>> {
    if !row.problems.is_empty() {
        return Err(row.problems.clone());
    }
    let missing = || vec![RowProblem::of("id", "missing", "is required to find the task")];
    row.user_id()?.map(|id| TaskId::new(id.get())).ok_or_else(missing)
}
