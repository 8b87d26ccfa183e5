use std::collections::HashMap;

use muster_domain::operations::{BlockPayload, Operation, RowStatus, StoredRow};
use muster_domain::users::UserChanges;

use super::former::put_back;
use super::{Change, Wanted};
use crate::operations::BlockWork;
use crate::ports::UnitOfWork;
use crate::{App, AppError};

impl App {
    /// Takes back what the rows of a block of another operation did, of those users whom nobody has changed since. Rows that
    /// did nothing, or were taken back by an earlier undo, are passed over.
    pub(crate) async fn undo_rows(
        &self,
        uow: &mut dyn UnitOfWork,
        operation: &Operation,
        payload: &BlockPayload,
    ) -> Result<BlockWork, AppError> {
        let Some(parent) = operation.parent else { return Err(AppError::internal("an undo of nothing")) };
        let (first, last) = (payload.first_row, payload.last_row());
        let parent = uow.operations().find(parent.id).await?;
        // Its results may have been removed while the undo was paused.
        let Some(parent) = parent else { return Ok(BlockWork::default()) };
        let Some(block) = uow.operations().settled_block(parent.id, first).await? else {
            return Ok(BlockWork::default());
        };
        let stored = uow.operations().stored_rows(parent.id, first, last).await?;
        let mut stored: HashMap<u32, StoredRow> = stored.into_iter().map(|row| (row.row, row)).collect();
        let taken_back = uow.operations().taken_back(parent.id, operation.id, first, last).await?;
        let (ids, unstored) = (parent.row_ids(), block.unstored());
        let mut wanted = Vec::new();
        for row in first..=last {
            let found = stored.remove(&row);
            if taken_back.binary_search(&row).is_ok() {
                continue;
            }
            let status = found.as_ref().map(|row| row.status).or(unstored);
            if status.is_some_and(RowStatus::is_user) {
                let target = ids.id(row);
                wanted.push(Wanted { row, line: 0, target, change: Change::Delete, expected: Some(1) });
            } else if let Some(found) = found
                && let Some(change) = opposite(&found)?
                && let Some(target) = found.user
            {
                wanted.push(Wanted { row, line: found.line, target, change, expected: found.version });
            }
        }
        let rows = self.apply_changes(uow, operation, wanted).await?;
        Ok(BlockWork { created: 0, rows })
    }
}

/// What takes back what a row did.
fn opposite(row: &StoredRow) -> Result<Option<Change>, AppError> {
    Ok(match (row.status, &row.before) {
        (RowStatus::Updated, Some(before)) => Some(Change::Set(put_back(before)?)),
        // The former values went with their user, who is not there any more.
        (RowStatus::Updated, None) => Some(Change::Set(UserChanges::default())),
        (RowStatus::Deleted, _) => Some(Change::Restore),
        (RowStatus::Restored, _) => Some(Change::Delete),
        _ => None,
    })
}
