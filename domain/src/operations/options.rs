use super::{ErrorBudget, MatchBy, OnConflict};

/// What to do when a row cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// Report the row and do the others.
    Continue,
    /// Do nothing at all: one transaction, for at most one block of rows.
    Abort,
}

/// How the rows were uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadFormat {
    /// `application/json` with a `users` array.
    Json,
    /// `application/x-ndjson`, one object a line.
    Ndjson,
    /// `text/csv` with a header row.
    Csv,
}

/// What the client asked of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationOptions {
    /// What to do when a row cannot be done.
    pub on_error: OnError,
    /// Whether each new user gets a welcome mail.
    pub send_welcome: bool,
    /// How many rows may fail before it is paused; none is any number.
    pub max_errors: Option<ErrorBudget>,
    /// What to do with a row of an import whose user is there already.
    pub on_conflict: OnConflict,
    /// By what a row finds the user it is about.
    pub match_by: MatchBy,
    /// Whether nothing is written: it only tells what would become of its rows.
    pub dry_run: bool,
}

impl OperationOptions {
    /// What holds when nothing else is asked.
    pub const fn of(on_error: OnError) -> Self {
        let (on_conflict, match_by) = (OnConflict::Fail, MatchBy::Email);
        Self { on_error, send_welcome: true, max_errors: None, on_conflict, match_by, dry_run: false }
    }

    /// Whether rows of an import may name by id the user whom they are about.
    pub fn meets_by_id(&self) -> bool {
        self.on_conflict != OnConflict::Fail && self.match_by == MatchBy::Id
    }
}

impl OnError {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Continue, Self::Abort];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Abort => "abort",
        }
    }

    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

impl UploadFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Json, Self::Ndjson, Self::Csv];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What happens to a bad row unless the client says otherwise: JSON is all or nothing, as the
    /// reference service did; files go on.
    pub const fn default_on_error(self) -> OnError {
        match self {
            Self::Json => OnError::Abort,
            Self::Ndjson | Self::Csv => OnError::Continue,
        }
    }
}
