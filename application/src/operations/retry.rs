use std::collections::HashMap;

use muster_domain::OperationId;
use muster_domain::operations::{
    OnError, Operation, OperationKind, OperationOptions, OperationState, Parent, Relation, RowStatus, StoredRow,
    StoredRows,
};

use super::control::refused;
use crate::imports::{BlockRows, ImportRow, NewUpload, Submitted, Upload};
use crate::{App, AppError, Context};

/// Failed rows that are read at once.
const READ_ROWS: u32 = 1_000;
/// What a row says of a task.
type Members = serde_json::Map<String, serde_json::Value>;

/// Row numbers that an error names.
const NAMED: usize = 10;

/// Which failed rows are to be done again, and how.
#[derive(Debug, Clone)]
pub struct Retry<'a> {
    /// The operation in which they failed.
    pub operation: OperationId,
    /// Corrected rows, each with the number of the row that it corrects. What one does not give stays as it was.
    pub corrected: Vec<ImportRow<'static>>,
    /// The body of the request, which an idempotency key stands for.
    pub body: &'a [u8],
    /// Tells a repeated request from a new one.
    pub key: Option<String>,
}

impl App {
    /// Begins to do again every row of an operation that failed and was not done since: an operation of its own, whose
    /// ledger is merged into that of its parent row by row.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has not ended, has nothing to do again, is of a kind that is not retried, or is being
    /// retried, and when a corrected row had not failed or was done since; `Invalid` when it is not clear what is corrected.
    pub async fn retry_operation(&self, ctx: &Context, retry: Retry<'_>) -> Result<Submitted, AppError> {
        let Retry { operation: id, corrected, body, key } = retry;
        let mut uow = self.begin(ctx).await?;
        let parent = uow.operations().find(id).await?.ok_or_else(|| AppError::not_found("operation"))?;
        let before = uow.operations().latest_child(id, Relation::Retry).await?;
        let last = match before {
            Some(last) => uow.operations().find(last).await?,
            None => None,
        };
        drop(uow);
        let relation = Relation::Retry;
        let new = NewUpload { kind: parent.kind, format: parent.format, key, parent: Some(Parent { id, relation }) };
        let mut upload = self.begin_upload(ctx.clone(), new).await?;
        upload.absorb(format!("{id}\0").as_bytes());
        upload.absorb(body);
        upload.follow_retry(before);
        if !upload.is_replay() {
            check(&parent, last.as_ref())?;
            let corrected = by_number(corrected)?;
            self.push_failed(&mut upload, &parent, corrected).await?;
        }
        let options = OperationOptions { on_error: OnError::Continue, ..parent.options };
        upload.finish(options, &[]).await
    }

    /// Takes every row that still is failed, as it was uploaded or as it was corrected.
    async fn push_failed(
        &self,
        upload: &mut Upload,
        parent: &Operation,
        mut corrected: HashMap<u32, ImportRow<'static>>,
    ) -> Result<(), AppError> {
        let mut uploaded = Uploaded { app: self, parent, block: None };
        let (mut after, mut found) = (0, 0);
        loop {
            let wanted = StoredRows::Only(RowStatus::Failed);
            let failed = self.ports.operations.rows(parent.tenant, parent.id, wanted, after, READ_ROWS).await?;
            let Some(last) = failed.last().map(|row| row.row) else { break };
            for StoredRow { row, .. } in failed {
                let Some(as_it_was) = uploaded.row(row).await? else { continue };
                let mut again = match corrected.remove(&row) {
                    None => as_it_was,
                    Some(correction) => correct(as_it_was, correction),
                };
                again.retried = Some(row);
                upload.push(&again)?;
                found += 1;
            }
            upload.flush().await?;
            after = last;
        }
        if !corrected.is_empty() {
            return Err(did_not_fail(corrected.into_keys().collect()));
        }
        if found == 0 {
            return Err(refused("no row of it failed that was not done since; there is nothing to do again"));
        }
        Ok(())
    }
}

/// The rows of the parent as they were uploaded, to be asked for by number ascending.
struct Uploaded<'a> {
    app: &'a App,
    parent: &'a Operation,
    block: Option<OpenBlock>,
}

struct OpenBlock {
    number: u32,
    next_row: u32,
    last_row: u32,
    is_done: bool,
    rows: BlockRows,
}

impl Uploaded<'_> {
    /// None when its block was never done: what is reported of it was seen before.
    async fn row(&mut self, row: u32) -> Result<Option<ImportRow<'static>>, AppError> {
        if self.block.as_ref().is_none_or(|block| block.last_row < row) {
            let from = self.block.take().map_or(0, |block| block.number + 1);
            let (tenant, id) = (self.parent.tenant, self.parent.id);
            let found = self.app.ports.operations.block_from(tenant, id, from, row).await?;
            let found = found.ok_or_else(|| AppError::internal("a row without a block"))?;
            let Some(data) = found.data else {
                return Err(refused("its rows as uploaded were removed since; send them again as a new operation"));
            };
            self.block = Some(OpenBlock {
                number: found.number,
                next_row: found.first_row,
                last_row: found.first_row + found.rows.saturating_sub(1),
                is_done: found.outcome.is_some(),
                rows: BlockRows::new(data)?,
            });
        }
        let Some(block) = &mut self.block else { return Ok(None) };
        while block.next_row < row {
            block.rows.next_row()?;
            block.next_row += 1;
        }
        block.next_row += 1;
        let read = block.rows.next_row()?.into_owned();
        Ok(block.is_done.then_some(read))
    }
}

/// Whether an operation can be retried now.
fn check(parent: &Operation, last: Option<&Operation>) -> Result<(), AppError> {
    if let Some(root) = parent.retry_of() {
        return Err(refused(format!(
            "the operation is a retry; retry {root}, which knows what of it is still to be done"
        )));
    }
    let changes = [OperationKind::CHANGES, OperationKind::TASK_CHANGES];
    let is_of_rows = parent.kind.is_import() || changes.as_flattened().contains(&parent.kind);
    if !is_of_rows || parent.options.dry_run {
        let what = if parent.options.dry_run { "a dry run" } else { parent.kind.name() };
        return Err(refused(format!("{what} is not retried")));
    }
    if !parent.state.is_final() || parent.state == OperationState::Undone {
        return Err(refused(format!("an operation that is {} cannot be retried", parent.state.name())));
    }
    if parent.options.on_error == OnError::Abort {
        return Err(refused(
            "the operation was all or nothing, and nothing was done; mend the rows and send all of them again",
        ));
    }
    if let Some(last) = last.filter(|last| !last.state.is_final()) {
        return Err(refused(format!("retry {} of it is {}; wait for it, or cancel it", last.id, last.state.name())));
    }
    Ok(())
}

/// # Errors
/// When a row has no number, or two have the same.
fn by_number(corrected: Vec<ImportRow<'static>>) -> Result<HashMap<u32, ImportRow<'static>>, AppError> {
    let mut by_number = HashMap::with_capacity(corrected.len());
    for correction in corrected {
        let line = correction.line;
        let Some(row) = correction.retried else {
            let message = format!("the corrected row on line {line} does not say in row which one it corrects");
            return Err(AppError::invalid(message));
        };
        if by_number.insert(row, correction).is_some() {
            return Err(AppError::invalid(format!("row {row} is corrected more than once")));
        }
    }
    Ok(by_number)
}

/// What a correction gives, and the rest as it was. What was wrong is looked at anew.
fn correct(was: ImportRow<'static>, correction: ImportRow<'static>) -> ImportRow<'static> {
    let gives_name = correction.full_name.is_some() || correction.clears_name;
    ImportRow {
        line: was.line,
        email: correction.email.or(was.email),
        username: correction.username.or(was.username),
        full_name: if gives_name { correction.full_name } else { was.full_name },
        clears_name: if gives_name { correction.clears_name } else { was.clears_name },
        id: correction.id.or(was.id),
        is_active: correction.is_active.or(was.is_active),
        task: merged(was.task, correction.task),
        retried: None,
        problems: correction.problems,
    }
}

/// The members of both; those of the second win.
fn merged(was: Option<Box<Members>>, correction: Option<Box<Members>>) -> Option<Box<Members>> {
    match (was, correction) {
        (Some(mut was), Some(correction)) => {
            was.extend(*correction);
            Some(was)
        }
        (was, correction) => correction.or(was),
    }
}

fn did_not_fail(mut rows: Vec<u32>) -> AppError {
    rows.sort_unstable();
    let named: Vec<_> = rows.iter().take(NAMED).map(u32::to_string).collect();
    let more = if rows.len() > NAMED { " and others" } else { "" };
    refused(format!("there are no failed rows {}{more} to be corrected", named.join(", ")))
}
