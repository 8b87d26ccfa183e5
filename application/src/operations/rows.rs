use muster_domain::operations::{BLOCK_ROWS, Operation, RetriedRow, RowStatus, SettledBlock, StoredRow, StoredRows};
use muster_domain::{OperationId, TaskId, UserId};

use crate::imports::RowProblem;
use crate::{App, AppError, Context};

/// Which rows of an operation to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFilter {
    /// Those with a problem: failed ones, and users whose welcome mail was refused.
    Reported,
    /// Those of one status.
    Only(RowStatus),
    /// Every row that is done.
    All,
}

impl RowFilter {
    /// The filter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "all" { Some(Self::All) } else { RowStatus::from_name(name).map(Self::Only) }
    }
}

/// A row and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// Number of the row within the operation, from 1.
    pub row: u32,
    /// Line of the file on which it starts, where that is known.
    pub line: Option<u64>,
    /// What became of it.
    pub status: RowStatus,
    /// The user it became or is about.
    pub user: Option<UserId>,
    /// The task it became or is about.
    pub task: Option<TaskId>,
    /// What is wrong.
    pub problems: Vec<RowProblem>,
    /// The retry in which that became of it; none when it was not retried, or failed again.
    pub retried_by: Option<OperationId>,
}

/// A page of rows.
#[derive(Debug, Clone)]
pub struct RowsPage {
    /// By row ascending.
    pub items: Vec<OperationRow>,
    /// Where the next page begins: after this row.
    pub next_after: Option<u32>,
}

impl App {
    /// Rows of the operation after row `after`, at most `limit`. Of a row that went well nothing is stored: it is
    /// known from the ledger that its block is done, and its user from its number.
    ///
    /// # Errors
    /// `NotFound` when there is no such operation.
    pub async fn operation_rows(
        &self,
        ctx: &Context,
        id: OperationId,
        filter: RowFilter,
        after: u32,
        limit: u32,
    ) -> Result<RowsPage, AppError> {
        let operation = self.operation(ctx, id).await?;
        let wanted = limit.saturating_add(1);
        let mut items = match filter {
            RowFilter::Reported => self.stored_rows(&operation, StoredRows::Problems, after, wanted).await?,
            // What nothing may be stored of.
            RowFilter::Only(status @ (RowStatus::Created | RowStatus::Skipped)) => {
                self.ledger_rows(&operation, Some(status), after, wanted).await?
            }
            RowFilter::Only(status) => self.stored_rows(&operation, StoredRows::Only(status), after, wanted).await?,
            RowFilter::All => self.ledger_rows(&operation, None, after, wanted).await?,
        };
        let more = items.len() > size(limit);
        items.truncate(size(limit));
        let next_after = items.last().map(|row| row.row).filter(|_| more);
        Ok(RowsPage { items, next_after })
    }

    pub(super) async fn stored_rows(
        &self,
        operation: &Operation,
        wanted: StoredRows,
        after: u32,
        limit: u32,
    ) -> Result<Vec<OperationRow>, AppError> {
        let rows = self.ports.operations.rows(operation.tenant, operation.id, wanted, after, limit).await?;
        rows.iter().map(|row| stored(row, operation)).collect()
    }

    /// The rows of the blocks that are done: all, or only those of a status that is not stored.
    async fn ledger_rows(
        &self,
        operation: &Operation,
        only: Option<RowStatus>,
        after: u32,
        limit: u32,
    ) -> Result<Vec<OperationRow>, AppError> {
        let mut items = Vec::new();
        let ledger = self.ports.operations.ledger(operation.tenant, operation.id, after).await?;
        let may_have = |block: &SettledBlock| match only {
            None => true,
            Some(RowStatus::Skipped) if block.outcome.skipped > 0 => true,
            // What failed may have become anything since.
            Some(_) if operation.retried.retries > 0 && block.outcome.failed > 0 => true,
            Some(_) => block.unstored() == only,
        };
        for block in ledger.into_iter().filter(may_have) {
            let mut next = block.first_row.max(after.saturating_add(1));
            while next <= block.last_row() && items.len() < size(limit) {
                // All rows are wanted: no more of them than fit. Else those between the stored ones are, however far.
                let window = if only.is_none() { limit } else { BLOCK_ROWS };
                let last = block.last_row().min(next.saturating_add(window - 1));
                let reported = self.stored_rows(operation, StoredRows::All, next - 1, last - next + 1).await?;
                items.extend(merged(operation, block, next..=last, reported, only));
                next = last + 1;
            }
        }
        items.truncate(size(limit));
        Ok(items)
    }
}

/// The rows of a range within a block: what is stored of them, and between these the rows of which nothing is.
fn merged(
    operation: &Operation,
    block: SettledBlock,
    range: std::ops::RangeInclusive<u32>,
    reported: Vec<OperationRow>,
    only: Option<RowStatus>,
) -> impl Iterator<Item = OperationRow> {
    let mut reported = reported.into_iter().peekable();
    range.filter_map(move |row| {
        let found = reported.next_if(|reported| reported.row == row).or_else(|| {
            let status = block.unstored()?;
            let (user, task) = about(operation, operation.user_of(row, status));
            Some(OperationRow { row, line: None, status, user, task, problems: Vec::new(), retried_by: None })
        })?;
        only.is_none_or(|only| only == found.status).then_some(found)
    })
}

fn stored(row: &StoredRow, operation: &Operation) -> Result<OperationRow, AppError> {
    let line = (row.line > 0).then_some(row.line);
    if let Some(RetriedRow { by, status, user, .. }) = row.retried {
        let (user, task) = about(operation, user);
        return Ok(OperationRow { row: row.row, line, status, user, task, problems: Vec::new(), retried_by: Some(by) });
    }
    let (user, task) = about(operation, row.user.or_else(|| operation.user_of(row.row, row.status)));
    Ok(OperationRow {
        row: row.row,
        // Whoever refused the mail did not know the line.
        line,
        status: row.status,
        user,
        task,
        problems: serde_json::from_str(&row.problems).map_err(AppError::internal)?,
        retried_by: None,
    })
}

/// What a row is about: a user, or a task whose id is kept in the place of theirs.
pub(super) fn about(operation: &Operation, id: Option<UserId>) -> (Option<UserId>, Option<TaskId>) {
    if operation.kind.is_of_tasks() { (None, id.map(|id| TaskId::new(id.get()))) } else { (id, None) }
}

fn size(rows: u32) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}
