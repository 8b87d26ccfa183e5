use muster_domain::operations::{BlockPayload, Operation, StoredRow};
use muster_domain::tasks::{StoredTask, TaskChanges, TaskTitle};
use muster_domain::{TaskId, UserId};
use serde_json::Map;

use super::fields::{joined, read_fields};
use super::people;
use crate::busy::busy;
use crate::imports::{BlockRows, ImportRow, RowProblem, failed_row};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError, ErrorCode, ErrorKind};

/// A row that keeps every rule which needs no look at users.
struct Parsed {
    row: u32,
    line: u64,
    title: TaskTitle,
    said: TaskChanges,
}

impl App {
    /// Makes tasks of the rows of a block, with what is to remind of them: one statement looks for those whom they name, and
    /// one inserts them.
    pub(crate) async fn import_task_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        let (parsed, mut rows) = busy(|| parse(payload))?;
        let asks = operation.actor.as_deref().and_then(UserId::parse);
        let named = parsed.iter().flat_map(|parsed| [parsed.said.assignee.flatten(), parsed.said.creator]);
        let mut wanted: Vec<UserId> = named.flatten().chain(asks).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut living = uow.tasks().living(&wanted).await?;
        living.sort_unstable();
        let is_living = |user: &UserId| living.binary_search(user).is_ok();
        let (zone, now) = (uow.tasks().settings().await?.zone, self.ports.clock.now());
        let (ids, asks) = (operation.row_ids(), asks.filter(is_living));
        let mut tasks = Vec::with_capacity(parsed.len());
        for Parsed { row, line, title, mut said } in parsed {
            let lost = |user: Option<UserId>| user.is_some_and(|user| !is_living(&user));
            let mut problems = Vec::new();
            problems.extend(lost(said.assignee.flatten()).then(|| people::unknown("assignee_id")));
            problems.extend(lost(said.creator).then(|| people::unknown("creator_id")));
            said.creator = said.creator.or(asks);
            match StoredTask::new(TaskId::new(ids.id(row).get()), title, said, zone, now) {
                Ok(task) if problems.is_empty() => tasks.push(task),
                made => {
                    problems.extend(made.err().map(RowProblem::from));
                    rows.push(failed_row(row, line, &problems)?);
                }
            }
        }
        uow.tasks().insert(&tasks).await?;
        let created = u32::try_from(tasks.len())
            .map_err(|_| AppError::new(ErrorKind::Internal, ErrorCode::InternalServerError, "a block is too large"))?;
        Ok(BlockWork { created, rows })
    }
}

/// What each row says, and those that cannot be read.
fn parse(payload: &BlockPayload) -> Result<(Vec<Parsed>, Vec<StoredRow>), AppError> {
    let mut rows = BlockRows::new(payload.data.clone())?;
    let (mut parsed, mut failed) = (Vec::new(), Vec::new());
    for row in payload.first_row..=payload.last_row() {
        let read = rows.next_row()?;
        match parse_row(&read) {
            Ok((title, said)) => parsed.push(Parsed { row, line: read.line, title, said }),
            Err(problems) => failed.push(failed_row(row, read.line, &problems)?),
        }
    }
    Ok((parsed, failed))
}

fn parse_row(row: &ImportRow<'_>) -> Result<(TaskTitle, TaskChanges), Vec<RowProblem>> {
    // What the reader could not read as a whole has no fields that could be wrong as well.
    if row.problems.iter().any(|problem| problem.field.is_none()) {
        return Err(row.problems.clone());
    }
    let none = Map::new();
    let (fields, unread) = read_fields(row.task.as_deref().unwrap_or(&none));
    let mut problems = row.problems.clone();
    problems.extend(unread);
    let mut said = joined(TaskChanges::parse_new(&fields), problems)?;
    let missing = || vec![RowProblem::of("title", "missing", "is required")];
    Ok((said.title.take().ok_or_else(missing)?, said))
}
