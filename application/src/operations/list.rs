use muster_domain::operations::{Operation, OperationPosition, OperationState};

use crate::{App, AppError, Context};

/// A page of operations.
#[derive(Debug, Clone)]
pub struct OperationsPage {
    /// The latest first.
    pub items: Vec<Operation>,
    /// Where the next page begins: behind this position.
    pub next_after: Option<OperationPosition>,
}

impl App {
    /// The tenant's operations behind `after`, only those in `state` if one is given, at most `limit`.
    ///
    /// # Errors
    /// `Unavailable` when storage is down.
    pub async fn operations(
        &self,
        ctx: &Context,
        state: Option<OperationState>,
        after: Option<OperationPosition>,
        limit: u32,
    ) -> Result<OperationsPage, AppError> {
        let mut items = self.ports.operations.list(ctx.tenant, state, after, limit.saturating_add(1)).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next_after = last.map(|last| OperationPosition { created_at: last.created_at, id: last.id });
        Ok(OperationsPage { items, next_after })
    }
}
