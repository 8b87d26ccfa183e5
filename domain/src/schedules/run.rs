use chrono::{DateTime, Utc};

use crate::OperationId;

/// Why a run has begun no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// The filter found nobody.
    NobodyFound,
    /// The tenant had as much going on as it may, for an hour.
    TenantLimit,
    /// The filter found more users than one operation takes.
    TooMany,
    /// The request was refused, as it would be from anybody else.
    Refused,
}

impl SkipReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NobodyFound, Self::TenantLimit, Self::TooMany, Self::Refused];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NobodyFound => "nobody_found",
            Self::TenantLimit => "tenant_limit",
            Self::TooMany => "too_many",
            Self::Refused => "refused",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// It has begun this operation.
    Began(OperationId),
    /// It has begun none.
    Skipped(SkipReason),
}

/// The latest run of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRun {
    /// When it was to be.
    pub at: DateTime<Utc>,
    /// What came of it.
    pub outcome: RunOutcome,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for reason in SkipReason::ALL {
            assert_eq!(SkipReason::from_name(reason.name()), Some(reason));
        }
    }
}
