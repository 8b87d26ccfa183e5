use super::BlockOutcome;
use crate::{OperationId, UserId};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    /// It became a user.
    Created,
    /// Fields of its user were set.
    Updated,
    /// Its user was deleted softly.
    Deleted,
    /// Its user came back to life.
    Restored,
    /// Its user was removed for good.
    Erased,
    /// Nothing is wrong with it and nothing was done: because there was nothing to do, or because others of an upload
    /// that is all or nothing are wrong.
    Skipped,
    /// It could not be done.
    Failed,
    /// It became a user whose welcome mail was refused for good.
    MailRefused,
}

impl RowStatus {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Created,
        Self::Updated,
        Self::Deleted,
        Self::Restored,
        Self::Erased,
        Self::Skipped,
        Self::Failed,
        Self::MailRefused,
    ];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Erased => "erased",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::MailRefused => "mail_refused",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether the row became the user whose id follows from its number.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::Created | Self::MailRefused)
    }

    /// Whether something is wrong with the row.
    pub const fn is_problem(self) -> bool {
        matches!(self, Self::Failed | Self::MailRefused)
    }
}

/// What became of a failed row when it was sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetriedRow {
    /// The operation that did it.
    pub by: OperationId,
    /// Its number there.
    pub row: u32,
    /// What became of it.
    pub status: RowStatus,
    /// The user it is about or became.
    pub user: Option<UserId>,
}

/// A row that did not simply become a user: the only rows of which anything is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRow {
    /// Number of the row within the operation, from 1.
    pub row: u32,
    /// Line of the file on which it starts; 0 where that is not known.
    pub line: u64,
    /// What became of it.
    pub status: RowStatus,
    /// The user it is about, if that was there before; of an operation on tasks, the task under its id.
    pub user: Option<UserId>,
    /// The version of that user once the row was done.
    pub version: Option<i64>,
    /// What the fields that it set were before, as a JSON object; forgotten with the user.
    pub before: Option<String>,
    /// Why it failed, as JSON: an array of `{field, code, detail}`, without values.
    pub problems: String,
    /// What became of it later, once it was sent again and did not fail.
    pub retried: Option<RetriedRow>,
}

impl StoredRow {
    /// A row of which nothing else is known.
    pub fn new(row: u32, line: u64, status: RowStatus) -> Self {
        Self { row, line, status, user: None, version: None, before: None, problems: "[]".to_owned(), retried: None }
    }
}

/// Which of the rows of which something is stored. One that was retried counts as what became of it then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredRows {
    /// All of them.
    All,
    /// Those with which something is wrong.
    Problems,
    /// Those of one status.
    Only(RowStatus),
}

impl StoredRows {
    /// Whether a row is one of them: it counts as what became of it last.
    pub fn contain(self, row: &StoredRow) -> bool {
        let status = row.retried.map_or(row.status, |retried| retried.status);
        match self {
            Self::All => true,
            Self::Problems => status.is_problem(),
            Self::Only(only) => only == status,
        }
    }
}

/// The ledger's line of a block that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledBlock {
    /// Number of its first row within the operation, from 1.
    pub first_row: u32,
    /// How many rows it has; at least 1.
    pub rows: u32,
    /// What came of it.
    pub outcome: BlockOutcome,
}

impl SettledBlock {
    /// Number of the last row.
    pub const fn last_row(&self) -> u32 {
        (self.first_row + self.rows).saturating_sub(1)
    }

    /// What became of those of its rows of which nothing is stored; none if it has no such rows. They all became users,
    /// or none did.
    pub const fn unstored(&self) -> Option<RowStatus> {
        match self.outcome {
            BlockOutcome { created: 1.., .. } => Some(RowStatus::Created),
            BlockOutcome { changed, skipped, failed, .. } if changed + skipped + failed < self.rows => {
                Some(RowStatus::Skipped)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for status in RowStatus::ALL {
            assert_eq!(RowStatus::from_name(status.name()), Some(status));
        }
    }

    #[test]
    fn the_other_rows_of_a_block_have_one_status() {
        let outcome = |created, changed, failed| BlockOutcome { changed, ..BlockOutcome::made(created, failed) };
        for (outcome, expected) in [
            (outcome(5, 0, 0), Some(RowStatus::Created)),
            (outcome(1, 2, 2), Some(RowStatus::Created)),
            (outcome(0, 0, 1), Some(RowStatus::Skipped)),
            (outcome(0, 0, 5), None),
            (outcome(0, 4, 1), None),
            (BlockOutcome { skipped: 5, ..BlockOutcome::default() }, None),
        ] {
            let block = SettledBlock { first_row: 11, rows: 5, outcome };
            assert_eq!((block.unstored(), block.last_row()), (expected, 15));
        }
    }
}
