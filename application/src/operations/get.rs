use muster_domain::OperationId;
use muster_domain::operations::Operation;

use crate::{App, AppError, Context};

impl App {
    /// An operation with its progress.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's.
    pub async fn operation(&self, ctx: &Context, id: OperationId) -> Result<Operation, AppError> {
        let found = self.ports.operations.find(ctx.tenant, id).await?;
        found.ok_or_else(|| AppError::not_found("operation"))
    }
}
