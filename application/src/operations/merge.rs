//! The ledger of a retry, merged into that of its parent.

use muster_domain::operations::{BlockPayload, Operation, RetriedRow, RowStatus};

use super::BlockWork;
use crate::AppError;
use crate::imports::BlockRows;

/// What became of the rows of a block that did not fail again, by the numbers that they have in the parent. Rows of `work`
/// are by number.
pub(super) fn mended(
    retry: &Operation,
    payload: &BlockPayload,
    work: &BlockWork,
) -> Result<Vec<(u32, RetriedRow)>, AppError> {
    let mut rows = BlockRows::new(payload.data.clone())?;
    let mut mended = Vec::new();
    for row in payload.first_row..=payload.last_row() {
        let number = rows.next_row()?.retried.ok_or_else(|| AppError::internal("a retried row without a number"))?;
        let reported = work.rows.binary_search_by_key(&row, |row| row.row).ok().and_then(|at| work.rows.get(at));
        let status = reported.map_or(RowStatus::Created, |row| row.status);
        if status == RowStatus::Failed {
            continue;
        }
        let user = reported.and_then(|row| row.user).or_else(|| retry.user_of(row, status));
        mended.push((number, RetriedRow { by: retry.id, row, status, user }));
    }
    Ok(mended)
}
