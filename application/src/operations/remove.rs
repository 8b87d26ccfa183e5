use muster_domain::OperationId;
use muster_domain::operations::{DueOperation, DueReason};

use super::Swept;
use crate::{App, AppError, Context};

/// Most operations that are asked for in one sweep.
const OPERATIONS: u32 = 100;
/// Most reported rows that are removed in one sweep; the next one goes on.
const ROWS: u32 = 100_000;
/// As many rows a block counts for: it has some hundred kilobytes. So a sweep removes the uploads of ten million rows, and
/// keeps up with whatever is imported.
const ROWS_OF_BLOCK: u32 = 100;
/// Blocks of one transaction.
const BLOCKS_AT_ONCE: u32 = 50;
/// As many rows a part of a file counts for.
const ROWS_OF_PART: u32 = 200;
/// Parts of one transaction.
const PARTS_AT_ONCE: u32 = 50;
/// Reported rows of one transaction.
const ROWS_AT_ONCE: u32 = 5_000;

impl App {
    /// Removes files that nobody will read, and uploads and whole operations that ended long ago: in small transactions, the eldest first. Safe to repeat,
    /// to run twice at once, and to be cut anywhere.
    pub(super) async fn remove_outdated(&self, swept: &mut Swept) -> Result<(), AppError> {
        let now = self.ports.clock.now();
        let (uploads, results) = (now - self.settings.upload_keep, now - self.settings.result_keep);
        let mut left = ROWS;
        let mut first_error = None;
        // First the files: their parts must not go with their operations, all at once.
        let mut outdated = self.ports.operations.outdated_files(now, OPERATIONS).await?;
        outdated.extend(self.ports.operations.outdated(uploads, results, OPERATIONS).await?);
        for due in outdated {
            if left == 0 {
                break;
            }
            if let Err(error) = self.remove_one(due, &mut left, swept).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn remove_one(&self, due: DueOperation, left: &mut u32, swept: &mut Swept) -> Result<(), AppError> {
        let ctx = Context::new(due.tenant);
        if due.reason == DueReason::OldFile {
            return self.remove_file(&ctx, due.operation, left, swept).await;
        }
        // Before an operation goes: what would go along with it must not be much.
        while *left > 0 {
            let at_most = BLOCKS_AT_ONCE.min(left.div_ceil(ROWS_OF_BLOCK));
            let mut uow = self.begin(&ctx).await?;
            let removed = uow.operations().remove_upload(due.operation, at_most, self.ports.clock.now()).await?;
            uow.commit().await?;
            *left = left.saturating_sub(removed.saturating_mul(ROWS_OF_BLOCK));
            if removed < at_most {
                swept.uploads += u32::from(due.reason == DueReason::OldUpload);
                break;
            }
        }
        if due.reason == DueReason::OldUpload {
            return Ok(());
        }
        while *left > 0 {
            let at_most = ROWS_AT_ONCE.min(*left);
            let mut uow = self.begin(&ctx).await?;
            let removed = uow.operations().remove_results(due.operation, at_most).await?;
            uow.commit().await?;
            *left = left.saturating_sub(removed);
            if removed < at_most {
                swept.results += 1;
                break;
            }
        }
        Ok(())
    }

    /// The operation is locked, so that nobody resumes it meanwhile and finds a file with holes.
    async fn remove_file(
        &self,
        ctx: &Context,
        id: OperationId,
        left: &mut u32,
        swept: &mut Swept,
    ) -> Result<(), AppError> {
        while *left > 0 {
            let now = self.ports.clock.now();
            let at_most = PARTS_AT_ONCE.min(left.div_ceil(ROWS_OF_PART));
            let mut uow = self.begin(ctx).await?;
            let operation = uow.operations().lock(id).await?;
            if !operation.is_some_and(|operation| operation.file_is_useless(now)) {
                break;
            }
            let removed = uow.files().remove_parts(id, u32::MAX, at_most).await?;
            if removed < at_most {
                uow.files().forget_file(id, now).await?;
            }
            uow.commit().await?;
            *left = left.saturating_sub(removed.saturating_mul(ROWS_OF_PART));
            if removed < at_most {
                swept.files += 1;
                break;
            }
        }
        Ok(())
    }
}
