use muster_domain::OperationId;
use muster_domain::operations::FailedRow;

use crate::{App, AppError, Context};

/// A page of the rows that did not simply succeed.
#[derive(Debug, Clone)]
pub struct RowsPage {
    /// By row ascending.
    pub items: Vec<FailedRow>,
    /// Where the next page begins: after this row.
    pub next_after: Option<u32>,
}

impl App {
    /// The rows that did not simply succeed, after row `after`.
    ///
    /// # Errors
    /// `NotFound` when there is no such operation.
    pub async fn operation_rows(
        &self,
        ctx: &Context,
        id: OperationId,
        after: u32,
        limit: u32,
    ) -> Result<RowsPage, AppError> {
        self.operation(ctx, id).await?;
        let mut items = self.ports.operations.rows(ctx.tenant, id, after, limit.saturating_add(1)).await?;
        let more = u32::try_from(items.len()).unwrap_or(u32::MAX) > limit;
        if more {
            items.pop();
        }
        let next_after = items.last().map(|row| row.row).filter(|_| more);
        Ok(RowsPage { items, next_after })
    }
}
