/// The mails of one block and how far they are. The recipients are the users the block made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailBatch {
    /// First row of the block, from 1.
    pub first_row: u32,
    /// Last row of the block.
    pub last_row: u32,
    /// Rows up to this one have been tried.
    pub done_through: u32,
    /// Rows that were tried and put off.
    pub deferred: Vec<u32>,
}

impl MailBatch {
    /// Whether every mail was sent or refused for good.
    pub fn is_finished(&self) -> bool {
        self.done_through >= self.last_row && self.deferred.is_empty()
    }

    /// Whether rows remain that were never tried.
    pub fn has_untried(&self) -> bool {
        self.done_through < self.last_row
    }
}
