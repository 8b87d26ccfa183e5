use std::time::Duration;

use muster_application::{AppError, ErrorCode, ErrorKind};
use muster_workflows::policy;
use temporalio_common::ActivityError;
use temporalio_common::error::ApplicationFailure;
use temporalio_sdk::activities::ActivityContext;

/// Decides which failures the engine tries again: those that time may mend. The message is the public one, because
/// histories are kept and shown; the cause goes to the log, here and only here.
pub(crate) fn activity_error(error: AppError) -> ActivityError {
    activity_error_after(error, None)
}

/// The same, with a pause before the next attempt that stands in for that of the retry policy.
pub(crate) fn activity_error_after(error: AppError, pause: Option<Duration>) -> ActivityError {
    let retryable = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::RateLimited);
    let AppError { code, message, source, .. } = error;
    tracing::warn!(
        error.code = code.name(),
        error.message = %message,
        error.cause = source.as_deref().map(tracing::field::display),
        retryable,
        "an activity failed"
    );
    let text = format!("{code}: {message}");
    let failure = ApplicationFailure::builder(text).type_name(code.name().to_owned()).non_retryable(!retryable);
    ActivityError::application(failure.maybe_next_retry_delay(pause).build())
}

/// The mail server is given longer and longer to come back.
pub(crate) fn mail_error(error: AppError, ctx: &ActivityContext) -> ActivityError {
    let of_the_server = matches!(error.code, ErrorCode::MailDeferred | ErrorCode::MailUnreachable);
    activity_error_after(error, of_the_server.then(|| policy::mail_pause(ctx.info().attempt)))
}
