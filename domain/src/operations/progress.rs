/// How far an operation is, summed over its ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows that were uploaded.
    pub rows_total: u64,
    /// Rows whose outcome is settled.
    pub rows_done: u64,
    /// Users that were made.
    pub created: u64,
    /// Rows that failed, each reported with its reasons.
    pub failed: u64,
    /// Blocks that the rows were cut into.
    pub blocks_total: u32,
    /// Blocks whose transaction is committed.
    pub blocks_done: u32,
    /// Welcome mails to be sent.
    pub mails_total: u64,
    /// Welcome mails that the mail server took.
    pub mails_sent: u64,
    /// Welcome mails that the mail server refused for good.
    pub mails_refused: u64,
}
