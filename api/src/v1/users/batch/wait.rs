use std::time::Duration;

use muster_application::{App, Context};
use muster_domain::operations::{Operation, UploadFormat};

use crate::extract::Prefer;
use crate::problem::Problem;

/// As many JSON users are answered as the reference service did: when they are done.
const SMALL: u32 = 100;
/// How long such a request waits before it becomes an operation to follow.
const SMALL_PATIENCE: Duration = Duration::from_secs(10);

/// How long the request waits for its operation to end.
pub(super) fn patience(prefer: Prefer, format: UploadFormat, rows: u32) -> Duration {
    match prefer {
        Prefer { wait: Some(wait), .. } => wait,
        Prefer { respond_async: true, .. } => Duration::ZERO,
        _ if format == UploadFormat::Json && rows <= SMALL => SMALL_PATIENCE,
        _ => Duration::ZERO,
    }
}

/// The operation when it has ended or patience has run out.
pub(super) async fn follow(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_what_is_small_or_asked_for() {
        let seconds = Duration::from_secs;
        let none = Prefer::default();
        let at_once = Prefer { respond_async: true, ..Prefer::default() };
        let wait = Prefer { wait: Some(seconds(7)), ..Prefer::default() };
        let both = Prefer { respond_async: true, wait: Some(seconds(7)), ..Prefer::default() };
        for (prefer, format, rows, expected) in [
            (none, UploadFormat::Json, 100, 10),
            (none, UploadFormat::Json, 101, 0),
            (none, UploadFormat::Csv, 1, 0),
            (at_once, UploadFormat::Json, 1, 0),
            (wait, UploadFormat::Csv, 1_000_000, 7),
            (both, UploadFormat::Json, 1, 7),
        ] {
            assert_eq!(patience(prefer, format, rows), seconds(expected), "{prefer:?} {format:?} {rows}");
        }
    }
}
