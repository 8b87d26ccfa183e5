use chrono::{DateTime, Utc};

/// How far an operation is, summed over its ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were uploaded; of an export users who were written, once it is done.
    pub rows_total: u64,
    /// Rows whose outcome is settled; of an export users who are written.
    pub rows_done: u64,
    /// Users that were made.
    pub created: u64,
    /// Users who were there before and were changed: updated, deleted, restored or removed.
    pub changed: u64,
    /// Rows that failed, each reported with its reasons.
    pub failed: u64,
    /// Users that were written to a file: so far, of an export that goes on.
    pub exported: u64,
    /// Blocks that the rows were cut into.
    pub blocks_total: u32,
    /// Blocks whose transaction is committed.
    pub blocks_done: u32,
    /// When the last one of these was settled.
    pub settled_at: Option<DateTime<Utc>>,
    /// Welcome mails to be sent.
    pub mails_total: u64,
    /// Welcome mails that the mail server took.
    pub mails_sent: u64,
    /// Welcome mails that the mail server refused for good.
    pub mails_refused: u64,
    /// When the last mail was sent or refused; none while mails are queued, or when there are none.
    pub mails_settled_at: Option<DateTime<Utc>>,
}

/// What a tenant has asked for so far. Undoing does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Operations that have not ended.
    pub open: u32,
    /// Rows of operations that were begun since a moment.
    pub rows: u64,
}

/// What the retries of an operation have come to, summed over their ledgers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retried {
    /// How many retries there are.
    pub retries: u32,
    /// Users that were made.
    pub created: u64,
    /// Users who were there before and were changed.
    pub changed: u64,
    /// Rows of which there was nothing to do.
    pub skipped: u64,
}

impl Retried {
    /// Rows that failed before and do not fail any more.
    pub const fn mended(&self) -> u64 {
        self.created + self.changed + self.skipped
    }
}

impl Progress {
    /// Rows that are done but neither became, changed or wrote a user nor failed: the good rows of an upload that is all or
    /// nothing and has a bad one.
    pub const fn skipped(&self) -> u64 {
        self.rows_done.saturating_sub(self.created + self.changed + self.failed + self.exported)
    }

    /// Welcome mails that were neither sent nor refused yet.
    pub const fn mails_queued(&self) -> u64 {
        self.mails_total.saturating_sub(self.mails_sent).saturating_sub(self.mails_refused)
    }

    /// Rows that are done, in percent with one decimal, rounded down: 100 is said only when all are. While nobody knows how
    /// many there will be it is 0.
    pub fn percent(&self) -> f64 {
        if self.rows_total == 0 && self.blocks_done > 0 {
            return 100.0;
        }
        let permille = (self.rows_done * 1000).checked_div(self.rows_total).unwrap_or(0);
        f64::from(u32::try_from(permille).unwrap_or(u32::MAX)) / 10.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_done_nor_failed_was_skipped() {
        let progress = Progress { rows_total: 9, rows_done: 7, failed: 2, ..Progress::default() };
        assert_eq!((progress.skipped(), Progress { created: 3, changed: 2, ..progress }.skipped()), (5, 0));
    }

    #[test]
    fn what_is_neither_sent_nor_refused_is_queued() {
        let progress = Progress { mails_total: 9, mails_sent: 3, mails_refused: 2, ..Progress::default() };
        assert_eq!(progress.mails_queued(), 4);
    }

    #[test]
    fn a_hundred_percent_are_all_rows() {
        for (rows_done, rows_total, percent) in
            [(0, 0, "0"), (0, 3, "0"), (1, 3, "33.3"), (4_999_999, 5_000_000, "99.9"), (3, 3, "100")]
        {
            let progress = Progress { rows_total, rows_done, ..Progress::default() };
            assert_eq!(progress.percent().to_string(), percent);
        }
        let export = Progress { rows_done: 5, exported: 5, blocks_total: 1, ..Progress::default() };
        assert_eq!((export.percent(), export.skipped()), (0.0, 0), "nobody knows how many there will be");
        let of_nobody = Progress { blocks_total: 1, blocks_done: 1, ..Progress::default() };
        assert_eq!(of_nobody.percent().to_string(), "100");
    }
}
