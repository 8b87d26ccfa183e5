use std::collections::VecDeque;

use muster_domain::operations::{Operation, RowStatus, SettledBlock, StoredRows, UploadedBlock};
use muster_domain::{OperationId, TaskId, UserId};
use serde_json::{Map, Value};

use super::rows::{OperationRow, RowFilter, about};
use crate::imports::{BlockRows, ImportRow, RowProblem};
use crate::{App, AppError, Context};

/// Most rows of a page.
const PAGE_ROWS: usize = 1_000;
/// A page whose values have more bytes ends.
const PAGE_BYTES: usize = 256 << 10;
/// Reported rows that are read at once.
const REPORTED_ROWS: u32 = 1_000;

/// Which rows to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFilter {
    /// Every row of the upload, done or not.
    All,
    /// Those that are not done.
    Pending,
    /// Those that are done and pass.
    Done(RowFilter),
}

/// A row as it was uploaded, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRow {
    /// Number of the row within the operation, from 1.
    pub row: u32,
    /// Line of the file on which it starts, where that is known.
    pub line: Option<u64>,
    /// As it was given; nothing once the upload was removed.
    pub values: RowValues,
    /// What became of it; none while its block is not done.
    pub status: Option<RowStatus>,
    /// The user it became or is about.
    pub user: Option<UserId>,
    /// The task it became or is about.
    pub task: Option<TaskId>,
    /// What is wrong.
    pub problems: Vec<RowProblem>,
}

/// The fields of a row, as they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowValues {
    /// E-mail address.
    pub email: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Full name.
    pub full_name: Option<String>,
    /// It is to be cleared.
    pub clears_name: bool,
    /// Id of the user.
    pub id: Option<String>,
    /// Whether the user is to be able to act.
    pub is_active: Option<bool>,
    /// What it says of a task.
    pub task: Option<Box<Map<String, Value>>>,
}

/// The rows of an operation from the first to the last, read page by page: storage is asked for a page when it is wanted,
/// and holds nothing in between.
pub struct Export {
    app: App,
    operation: Operation,
    filter: ExportFilter,
    next_row: u32,
    next_block: u32,
    open: Option<OpenBlock>,
}

/// The block whose rows are being read.
struct OpenBlock {
    last_row: u32,
    settled: Option<SettledBlock>,
    /// None once the upload was removed.
    rows: Option<BlockRows>,
    /// Reported rows from the next one on, as many as were read.
    reported: VecDeque<OperationRow>,
    /// The reported rows up to this one were read.
    reported_through: u32,
}

impl ExportFilter {
    /// The filter of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "all" => Some(Self::All),
            "pending" => Some(Self::Pending),
            _ => RowFilter::from_name(name).map(Self::Done),
        }
    }

    /// Whether only rows pass that are stored because something is wrong with them.
    const fn is_of_reported(self) -> bool {
        matches!(self, Self::Done(RowFilter::Reported | RowFilter::Only(RowStatus::Failed | RowStatus::MailRefused)))
    }

    /// The one status that passes.
    const fn only(self) -> Option<RowStatus> {
        match self {
            Self::Done(RowFilter::Only(status)) => Some(status),
            _ => None,
        }
    }

    fn passes(self, status: Option<RowStatus>) -> bool {
        match (self, status) {
            (Self::All, _) | (Self::Pending, None) | (Self::Done(RowFilter::All), Some(_)) => true,
            (Self::Pending, Some(_)) | (Self::Done(_), None) => false,
            (Self::Done(RowFilter::Only(only)), Some(status)) => only == status,
            (Self::Done(RowFilter::Reported), Some(status)) => status.is_problem(),
        }
    }
}

impl App {
    /// The rows of an operation as they were uploaded, with what became of them.
    ///
    /// # Errors
    /// `NotFound` when there is no such operation.
    pub async fn export_rows(&self, ctx: &Context, id: OperationId, filter: ExportFilter) -> Result<Export, AppError> {
        let operation = self.operation(ctx, id).await?;
        Ok(Export { app: self.clone(), operation, filter, next_row: 1, next_block: 0, open: None })
    }
}

impl Export {
    /// Whose rows they are.
    pub const fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The next rows, at least one; none behind the last.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn next_page(&mut self) -> Result<Option<Vec<ExportedRow>>, AppError> {
        loop {
            let mut block = match self.open.take() {
                Some(block) => block,
                None => match self.open_next().await? {
                    Some(block) => block,
                    None => return Ok(None),
                },
            };
            let page = self.read(&mut block).await?;
            if self.next_row <= block.last_row {
                self.open = Some(block);
            }
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
    }

    /// The next block that may have rows that pass.
    async fn open_next(&mut self) -> Result<Option<OpenBlock>, AppError> {
        let (tenant, id) = (self.operation.tenant, self.operation.id);
        let reader = &self.app.ports.operations;
        if self.filter.is_of_reported() {
            let wanted = self.filter.only().map_or(StoredRows::Problems, StoredRows::Only);
            let next = reader.rows(tenant, id, wanted, self.next_row - 1, 1).await?;
            let Some(next) = next.first() else { return Ok(None) };
            self.next_row = next.row;
        }
        let Some(block) = reader.block_from(tenant, id, self.next_block, self.next_row).await? else { return Ok(None) };
        let UploadedBlock { number, first_row, rows, data, outcome } = block;
        self.next_block = number.saturating_add(1);
        self.next_row = self.next_row.max(first_row);
        let mut rows_of_upload = data.map(BlockRows::new).transpose()?;
        if let Some(rows) = &mut rows_of_upload {
            for _ in first_row..self.next_row {
                rows.next_row()?;
            }
        }
        Ok(Some(OpenBlock {
            last_row: first_row + rows.saturating_sub(1),
            settled: outcome.map(|outcome| SettledBlock { first_row, rows, outcome }),
            rows: rows_of_upload,
            reported: VecDeque::new(),
            reported_through: self.next_row - 1,
        }))
    }

    /// A page of rows of a block, fewer where few pass.
    async fn read(&mut self, block: &mut OpenBlock) -> Result<Vec<ExportedRow>, AppError> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        while self.next_row <= block.last_row && page.len() < PAGE_ROWS && bytes < PAGE_BYTES {
            let number = self.next_row;
            if block.settled.is_some() && number > block.reported_through {
                self.read_reported(block).await?;
            }
            self.next_row = number + 1;
            let values = block.rows.as_mut().map(BlockRows::next_row).transpose()?;
            let Some(row) = self.row(number, values, block.settled, &mut block.reported) else { continue };
            bytes += row.values.bytes();
            page.push(row);
        }
        Ok(page)
    }

    /// Reads what is reported of the rows from the next one on; of a block that is done that is all there will be.
    async fn read_reported(&self, block: &mut OpenBlock) -> Result<(), AppError> {
        let found = self.app.stored_rows(&self.operation, StoredRows::All, self.next_row - 1, REPORTED_ROWS).await?;
        let is_all = u32::try_from(found.len()).is_ok_and(|found| found < REPORTED_ROWS);
        let last = found.last().map_or(block.last_row, |row| row.row);
        block.reported_through = if is_all { block.last_row } else { last };
        block.reported = found.into();
        Ok(())
    }

    /// A row, if it passes.
    fn row(
        &self,
        number: u32,
        uploaded: Option<ImportRow<'_>>,
        settled: Option<SettledBlock>,
        reported: &mut VecDeque<OperationRow>,
    ) -> Option<ExportedRow> {
        let found = reported.front().is_some_and(|row| row.row == number).then(|| reported.pop_front()).flatten();
        let status = match (&found, settled) {
            (_, None) => None,
            (Some(found), Some(_)) => Some(found.status),
            // A row that is said to have failed without a reason: the results are being removed.
            (None, Some(block)) => Some(block.unstored()?),
        };
        if !self.filter.passes(status) {
            return None;
        }
        let known = found.as_ref().map(|found| (found.user, found.task)).filter(|known| *known != (None, None));
        let (user, task) = known.unwrap_or_else(|| {
            about(&self.operation, status.and_then(|status| self.operation.user_of(number, status)))
        });
        let line = uploaded.as_ref().map(|row| row.line).or_else(|| found.as_ref()?.line);
        let values = uploaded.map(RowValues::from).unwrap_or_default();
        let problems = found.map(|found| found.problems).unwrap_or_default();
        Some(ExportedRow { row: number, line, values, status, user, task, problems })
    }
}

impl From<ImportRow<'_>> for RowValues {
    fn from(row: ImportRow<'_>) -> Self {
        let owned = |value: Option<std::borrow::Cow<'_, str>>| value.map(std::borrow::Cow::into_owned);
        Self {
            email: owned(row.email),
            username: owned(row.username),
            full_name: owned(row.full_name),
            clears_name: row.clears_name,
            id: owned(row.id),
            is_active: row.is_active,
            task: row.task,
        }
    }
}

impl RowValues {
    fn bytes(&self) -> usize {
        let of_task = |value: &Value| value.as_str().map_or(40, str::len);
        let texts = [&self.email, &self.username, &self.full_name, &self.id];
        texts.into_iter().flatten().map(String::len).sum::<usize>()
            + self.task.iter().flat_map(|task| task.values()).map(of_task).sum::<usize>()
    }
}
