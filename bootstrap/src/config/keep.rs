use std::time::Duration;

use super::read::Reader;

/// How long is kept what has ended.
#[derive(Debug, Clone, Copy)]
pub struct KeepConfig {
    /// `UPLOAD_KEEP_DAYS`: the rows of an upload, after the end of its operation.
    pub uploads: Duration,
    /// `RESULT_KEEP_DAYS`: an operation, after its end.
    pub results: Duration,
    /// `EXPORT_KEEP_DAYS`: the file of an export, after its end.
    pub exports: Duration,
}

pub(super) fn read(env: &mut Reader) -> KeepConfig {
    let keep = KeepConfig {
        uploads: env.days("UPLOAD_KEEP_DAYS", 7),
        results: env.days("RESULT_KEEP_DAYS", 30),
        exports: env.days("EXPORT_KEEP_DAYS", 7),
    };
    if keep.uploads > keep.results {
        env.problem("UPLOAD_KEEP_DAYS must not be more than RESULT_KEEP_DAYS: an upload goes with its operation");
    }
    if keep.exports > keep.results {
        env.problem("EXPORT_KEEP_DAYS must not be more than RESULT_KEEP_DAYS: a file goes with its operation");
    }
    keep
}
