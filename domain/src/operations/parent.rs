use std::sync::Arc;

use crate::OperationId;

/// What an operation has to do with its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It takes back what the parent did.
    Undo,
    /// It does what the parent, a dry run, planned.
    Apply,
    /// It does again what failed in the parent.
    Retry,
}

/// The operation that another one is about or goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its identity.
    pub id: OperationId,
    /// What the other one does about it.
    pub relation: Relation,
}

/// That what an operation had done is to be undone since it was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoAsked {
    /// Who asked for it: the subject of their token.
    pub by: Option<Arc<str>>,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Undo, Self::Apply, Self::Retry];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Apply => "apply",
            Self::Retry => "retry",
        }
    }

    /// The relation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for relation in Relation::ALL {
            assert_eq!(Relation::from_name(relation.name()), Some(relation));
        }
    }
}
