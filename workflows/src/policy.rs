//! Timeouts, retries and windows. No other file of this crate has a duration in it.

use std::time::Duration;

use temporalio_common::RetryPolicy;
use temporalio_workflow::{ActivityCloseTimeouts, ActivityOptions};

use crate::names::{CONTROL_QUEUE, IMPORT_QUEUE, MAIL_QUEUE, SMALL_QUEUE, WEBHOOK_QUEUE};

/// Ranges of blocks that are imported at the same time, per operation. Postgres, not the worker, is the limit.
pub const IMPORT_LANES: u32 = 4;
/// Ranges an import is cut into at most, while it has fewer than `MAX_RANGE` times as many blocks: bounds the history.
const RANGES: u32 = 12;
/// Most blocks in one activity, so that a lost worker strands little.
const MAX_RANGE: u32 = 20;
/// Ranges in one run of the workflow: about 3,000 events, well below what the server suggests to continue at.
pub const RANGES_PER_RUN: u32 = 500;
/// Blocks of mails in one activity. One activity at a time per operation: what a crash repeats is one group.
pub const MAIL_RANGE: u32 = 10;

/// How often a paused workflow looks for itself whether its operation was resumed or cancelled.
pub const PAUSED_LOOK: Duration = Duration::from_hours(1);
/// A workflow task that a dead worker took is given to another one after this long.
pub const WORKFLOW_TASK: Duration = Duration::from_secs(5);
/// How often the sweeper looks.
pub const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How late a missed sweep may still be made up for.
pub const SWEEP_CATCHUP: Duration = Duration::from_mins(1);
/// How often reminders that are due are looked for: half of it is how late one is on average.
pub const REMIND_EVERY: Duration = Duration::from_secs(10);
/// How late a missed look may still be made up for. One does the work of all that were missed.
pub const REMIND_CATCHUP: Duration = Duration::from_mins(1);

/// A worker that has been silent for so long is taken for dead.
const HEARTBEAT: Duration = Duration::from_secs(6);
/// Longest pause between attempts, so that work resumes soon after an outage.
const PAUSE: Duration = Duration::from_secs(5);

/// Blocks per activity for an import of `blocks` blocks.
pub fn run_range(blocks: u32) -> u32 {
    blocks.div_ceil(RANGES).clamp(1, MAX_RANGE)
}

/// `run_range`: minutes at most; about half a day of attempts while the database is down.
/// One of few rows has its own queue, on which no block of many rows is ever before it.
pub fn import(small: bool) -> ActivityOptions {
    let queue = if small { SMALL_QUEUE } else { IMPORT_QUEUE };
    options(queue, Duration::from_mins(30), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `prepare_operation`: reads every row of an operation; of a plan it does every block once, and takes it back.
pub fn prepare() -> ActivityOptions {
    options(IMPORT_QUEUE, Duration::from_hours(2), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `finish_operation`: as long as the rows it ends.
pub fn finish() -> ActivityOptions {
    options(IMPORT_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// `send_mails` and its likes: two days of attempts while the mail server is down or puts mails off. A worker that dies is replaced
/// soon; only the mail server is given longer and longer to come back, see [`mail_pause`].
pub fn mail() -> ActivityOptions {
    let limits = ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: Duration::from_hours(48),
        start_to_close: Duration::from_hours(2),
    };
    limited(MAIL_QUEUE, limits, retry(Duration::from_secs(1), Duration::from_secs(2), 100_000))
}

/// How long a mail server that is down or puts mails off is left alone after so many attempts.
pub fn mail_pause(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(8);
    (Duration::from_secs(2) * (1 << doublings)).min(Duration::from_mins(5))
}

/// `give_up_mails` and its likes: bookkeeping.
pub fn give_up() -> ActivityOptions {
    options(MAIL_QUEUE, Duration::from_mins(5), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// Waits between the attempts of a delivery: ten attempts within about 75 hours, so that an endpoint that breaks on a
/// Friday evening misses nothing if it is mended on Monday.
const WEBHOOK_PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The longest wait that an endpoint may ask for (`Retry-After`).
pub const WEBHOOK_LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// `deliver_webhook`: an attempt takes 15 seconds at most. That an endpoint does not take it is an outcome; what is tried
/// again here is only our own trouble, for half a day.
pub fn webhook() -> ActivityOptions {
    options(WEBHOOK_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), PAUSE, 10_000))
}

/// How long to wait after so many attempts of a delivery; none when there is no further one.
pub fn webhook_pause(attempts: u32) -> Option<Duration> {
    let index = usize::try_from(attempts.checked_sub(1)?).ok()?;
    WEBHOOK_PAUSES.get(index).copied()
}

/// How late a run of a schedule that was missed may still be made up for.
pub const SCHEDULE_CATCHUP: Duration = Duration::from_hours(6);
/// How long a run waits for a tenant that has as much going on as it may.
pub const SCHEDULE_PATIENCE: Duration = Duration::from_hours(1);

/// `begin_scheduled`: reads every user whom a filter means; about half a day of attempts while the database is down. All of
/// them, so that the key by which a run begins one operation only is remembered for longer.
pub fn begin_scheduled() -> ActivityOptions {
    options(IMPORT_QUEUE, Duration::from_mins(30), retry(Duration::from_secs(1), Duration::from_secs(30), 1_500))
}

/// How long an event of a partner waits for a tenant that has as much going on as it may.
pub const PARTNER_EVENT_PATIENCE: Duration = Duration::from_hours(1);

/// `process_partner_event`: one short transaction or two; about half a day of attempts while the database is down. All of
/// them, so that the key by which an event begins one operation only is remembered for longer.
pub fn process_partner_event() -> ActivityOptions {
    options(SMALL_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), Duration::from_secs(30), 1_500))
}

/// `sweep`: a few attempts; the schedule comes again anyway.
pub fn sweep() -> ActivityOptions {
    options(CONTROL_QUEUE, Duration::from_mins(1), retry(Duration::from_secs(1), PAUSE, 3))
}

/// `send_due_reminders`: begins nothing more after a minute; a few attempts, for the schedule comes again anyway.
pub fn due_reminders() -> ActivityOptions {
    options(CONTROL_QUEUE, Duration::from_mins(3), retry(Duration::from_secs(1), PAUSE, 3))
}

fn options(queue: &str, start_to_close: Duration, retry: RetryPolicy) -> ActivityOptions {
    limited(queue, ActivityCloseTimeouts::StartToClose(start_to_close), retry)
}

fn limited(queue: &str, limits: ActivityCloseTimeouts, retry: RetryPolicy) -> ActivityOptions {
    ActivityOptions::with_close_timeouts(limits)
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
    fn a_mail_server_is_asked_less_and_less_often() {
        let seconds = [0, 1, 2, 3, 8, 9, u32::MAX].map(|attempts| mail_pause(attempts).as_secs());
        assert_eq!(seconds, [2, 2, 4, 8, 256, 300, 300]);
    }

    #[test]
    fn a_delivery_is_tried_ten_times_within_75_hours() {
        let pauses: Vec<_> = (1..).map_while(webhook_pause).collect();
        let (minutes, hours) = (|n: u64| n * 60, |n: u64| n * 3600);
        let expected = [5, minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)];
        assert_eq!(pauses.iter().map(Duration::as_secs).collect::<Vec<u64>>(), expected);
        assert_eq!(pauses.iter().sum::<Duration>().as_secs() / 3600, 75);
        assert_eq!((webhook_pause(0), webhook_pause(10), webhook_pause(u32::MAX)), (None, None, None));
    }

    #[test]
    fn a_million_rows_are_a_dozen_activities_and_five_million_stay_bounded() {
        assert_eq!([1, 4, 12, 100, 500].map(run_range), [1, 1, 1, 9, 20]);
    }
}
