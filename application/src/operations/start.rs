use muster_domain::operations::Operation;

use crate::App;
use crate::ports::StartOperation;

impl App {
    /// Makes sure that the workflow of a queued operation runs, or leaves it to the sweeper.
    pub(crate) async fn ask_for_workflow(&self, operation: &Operation) {
        self.ports.tally.accepted(operation.kind);
        if let Err(error) = self.ports.workflows.start_operation(&StartOperation::of(operation)).await {
            tracing::warn!(
                tenant.id = %operation.tenant,
                operation.id = %operation.id,
                error = &error as &dyn std::error::Error,
                "the workflow engine is not available; the sweeper will start this operation"
            );
        }
    }
}
