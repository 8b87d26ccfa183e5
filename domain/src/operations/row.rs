use super::BlockOutcome;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowStatus {
    /// It became a user.
    Created,
    /// Nothing is wrong with it, but it was not done, because others of an upload that is all or nothing are wrong.
    Skipped,
    /// It did not become a user.
    Failed,
    /// It became a user whose welcome mail was refused for good.
    MailRefused,
}

impl RowStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Created, Self::Skipped, Self::Failed, Self::MailRefused];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::MailRefused => "mail_refused",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether the row is a user.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::Created | Self::MailRefused)
    }
}

/// A row that did not simply succeed: the only rows of which anything is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Number of the row within the operation, from 1.
    pub row: u32,
    /// Line of the file on which it starts.
    pub line: u64,
    /// What became of it: `Failed` or `MailRefused`.
    pub status: RowStatus,
    /// Why, as JSON: an array of `{field, code, detail}`, without values.
    pub problems: String,
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
        self.first_row + self.rows.saturating_sub(1)
    }

    /// What became of those of its rows of which nothing is stored; none if it has no such rows. A block makes users
    /// of all of them or of none.
    pub const fn unstored(&self) -> Option<RowStatus> {
        match self.outcome {
            BlockOutcome { created: 1.., .. } => Some(RowStatus::Created),
            BlockOutcome { failed, .. } if failed < self.rows => Some(RowStatus::Skipped),
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
        for (created, failed, expected) in [
            (5, 0, Some(RowStatus::Created)),
            (1, 4, Some(RowStatus::Created)),
            (0, 1, Some(RowStatus::Skipped)),
            (0, 5, None),
        ] {
            let block = SettledBlock { first_row: 11, rows: 5, outcome: BlockOutcome { created, failed } };
            assert_eq!((block.unstored(), block.last_row()), (expected, 15));
        }
    }
}
