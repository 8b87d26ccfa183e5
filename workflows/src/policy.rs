//! Timeouts, retries and windows. No other file of this crate has a duration in it.

use std::time::Duration;

use temporalio_common::RetryPolicy;
use temporalio_workflow::ActivityOptions;

use crate::names::{CONTROL_QUEUE, IMPORT_QUEUE, MAIL_QUEUE};

/// Ranges of blocks that are imported at the same time, per operation. Postgres, not the worker, is the limit.
pub const IMPORT_LANES: u32 = 4;
/// Ranges an import is cut into at most, while it has fewer than `MAX_RANGE` times as many blocks: bounds the history.
const RANGES: u32 = 12;
/// Most blocks in one activity, so that a lost worker strands little.
const MAX_RANGE: u32 = 20;
/// Blocks of mails in one activity. One activity at a time per operation: what a crash repeats is one group.
pub const MAIL_RANGE: u32 = 10;

/// A workflow task that a dead worker took is given to another one after this long.
pub const WORKFLOW_TASK: Duration = Duration::from_secs(5);
/// How often the sweeper looks.
pub const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How late a missed sweep may still be made up for.
pub const SWEEP_CATCHUP: Duration = Duration::from_mins(1);

/// A worker that has been silent for so long is taken for dead.
const HEARTBEAT: Duration = Duration::from_secs(6);
/// Longest pause between attempts, so that work resumes soon after an outage.
const PAUSE: Duration = Duration::from_secs(5);

/// Blocks per activity for an import of `blocks` blocks.
pub fn import_range(blocks: u32) -> u32 {
    blocks.div_ceil(RANGES).clamp(1, MAX_RANGE)
}

/// `import_range`: minutes at most; about half a day of attempts while the database is down.
pub fn import() -> ActivityOptions {
    options(IMPORT_QUEUE, Duration::from_mins(30), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `finish_import`: as long as the rows it ends.
pub fn finish() -> ActivityOptions {
    options(IMPORT_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `send_mails`: about two days of attempts while the mail server is down or puts mails off.
pub fn mail() -> ActivityOptions {
    options(MAIL_QUEUE, Duration::from_hours(2), retry(Duration::from_secs(2), Duration::from_mins(5), 600))
}

/// `give_up_mails`: bookkeeping.
pub fn give_up() -> ActivityOptions {
    options(MAIL_QUEUE, Duration::from_mins(5), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `sweep`: a few attempts; the schedule comes again anyway.
pub fn sweep() -> ActivityOptions {
    options(CONTROL_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), PAUSE, 3))
}

fn options(queue: &str, start_to_close: Duration, retry: RetryPolicy) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(start_to_close)
        .task_queue(queue)
        .heartbeat_timeout(HEARTBEAT)
        .retry_policy(retry)
        .build()
}

fn retry(first: Duration, longest: Duration, attempts: u32) -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(first)
        .backoff_coefficient(1.5)
        .maximum_interval(longest)
        .maximum_attempts(attempts)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_rows_are_a_dozen_activities_and_five_million_stay_bounded() {
        assert_eq!([1, 4, 12, 100, 500].map(import_range), [1, 1, 1, 9, 20]);
    }
}
