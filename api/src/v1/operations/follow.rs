use std::time::Duration;

use muster_application::{App, Context};
use muster_domain::operations::Operation;

use crate::problem::Problem;

/// The operation when it has ended or patience has run out.
pub(crate) async fn follow(
    app: &App,
    ctx: &Context,
    operation: Operation,
    patience: Duration,
) -> Result<Operation, Problem> {
    if patience.is_zero() || operation.state.is_final() {
        return Ok(operation);
    }
    match app.wait_for_operation(ctx, operation.id, patience).await {
        Ok(ended) => Ok(ended),
        Err(error) => {
            // The upload is durable: that the database cannot be asked just now must not look like a failure of it.
            tracing::warn!(operation.id = %operation.id, code = error.code.name(), "an operation could not be waited for");
            Ok(operation)
        }
    }
}
