use muster_domain::OperationId;

use crate::ports::StartImport;
use crate::{App, Context};

impl App {
    /// Makes sure that the workflow of a queued operation runs, or leaves it to the sweeper.
    pub(super) async fn ask_for_workflow(&self, ctx: &Context, operation: OperationId, blocks: u32) {
        let start = StartImport { tenant: ctx.tenant, operation, blocks };
        if let Err(error) = self.ports.workflows.start_import(&start).await {
            tracing::warn!(
                tenant.id = %ctx.tenant,
                operation.id = %operation,
                error = &error as &dyn std::error::Error,
                "the workflow engine is not available; the sweeper will start this operation"
            );
        }
    }
}
