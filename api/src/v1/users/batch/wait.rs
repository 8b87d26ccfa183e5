use std::time::Duration;

use muster_domain::operations::UploadFormat;

use crate::extract::Prefer;

/// As many JSON users are answered as the reference service did: when they are done.
const SMALL: u32 = 100;
/// How long such a request waits before it becomes an operation to follow.
const SMALL_PATIENCE: Duration = Duration::from_secs(10);

/// How long the request waits for its operation to end.
pub(crate) fn patience(prefer: Prefer, format: UploadFormat, rows: u32) -> Duration {
    match prefer {
        Prefer { wait: Some(wait), .. } => wait,
        Prefer { respond_async: true, .. } => Duration::ZERO,
        _ if format == UploadFormat::Json && rows <= SMALL => SMALL_PATIENCE,
        _ => Duration::ZERO,
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
