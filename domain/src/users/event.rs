use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{EventId, OperationId, UserId};

/// A field that was changed, with its values: never stored as they are, see [`UserEvent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// Name of the field as clients know it.
    pub field: &'static str,
    /// What it was; none when it was empty.
    pub before: Option<String>,
    /// What it is; none when it is empty.
    pub after: Option<String>,
}

impl FieldChange {
    /// A change of `field`.
    pub fn new(field: &'static str, before: Option<&str>, after: Option<&str>) -> Self {
        Self { field, before: before.map(str::to_owned), after: after.map(str::to_owned) }
    }
}

/// What happened to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserEventKind {
    /// They were made.
    Created,
    /// Fields were changed.
    Updated,
    /// They were deleted softly.
    Deleted,
    /// They came back to life.
    Restored,
    /// A partner has said that they are in step. Nothing was changed.
    Synced,
}

impl UserEventKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Created, Self::Updated, Self::Deleted, Self::Restored, Self::Synced];

    /// The name in storage and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Synced => "synced",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Digests of what a field was and is. Not the values: the record of who did what must not itself be a copy of
/// personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldDigest {
    /// Name of the field.
    pub field: String,
    /// Digest of what it was; none when it was empty.
    pub before: Option<String>,
    /// Digest of what it is; none when it is empty.
    pub after: Option<String>,
}

/// One line of a user's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEvent {
    /// Identity; later events have greater ids.
    pub id: EventId,
    /// Whose history it is.
    pub user: UserId,
    /// What happened.
    pub kind: UserEventKind,
    /// Who did it: the subject of their token; none when the token has none.
    pub actor: Option<Arc<str>>,
    /// The operation that did it; none for a single request.
    pub operation: Option<OperationId>,
    /// Which fields, in the order of the user's fields.
    pub fields: Vec<FieldDigest>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The one line that an import's block leaves in the history of all users it made: theirs are the ids from `first` to
/// `last` that the operation gives. A line for each would double the cost of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockEvent {
    /// Identity.
    pub id: EventId,
    /// Id of the block's first row.
    pub first: UserId,
    /// Id of the block's last row.
    pub last: UserId,
    /// The operation.
    pub operation: OperationId,
    /// Who uploaded it.
    pub actor: Option<Arc<str>>,
    /// When the block was done.
    pub at: DateTime<Utc>,
}
