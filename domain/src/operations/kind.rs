/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Makes users from an upload.
    UsersImport,
    /// Sets fields of users.
    UsersUpdate,
    /// Takes from users that they may act.
    UsersDeactivate,
    /// Deletes users softly.
    UsersDelete,
    /// Brings deleted users back to life.
    UsersRestore,
    /// Removes users for good, with all that tells of them.
    UsersErase,
    /// Writes users to a file.
    UsersExport,
    /// Notes that users are in step with a partner.
    PartnersSync,
    /// Takes back what another operation did.
    Undo,
}

impl OperationKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::UsersImport,
        Self::UsersUpdate,
        Self::UsersDeactivate,
        Self::UsersDelete,
        Self::UsersRestore,
        Self::UsersErase,
        Self::UsersExport,
        Self::PartnersSync,
        Self::Undo,
    ];
    /// Those that change users who are there, each row naming one.
    pub const CHANGES: [Self; 5] =
        [Self::UsersUpdate, Self::UsersDeactivate, Self::UsersDelete, Self::UsersRestore, Self::UsersErase];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UsersImport => "users.import",
            Self::UsersUpdate => "users.update",
            Self::UsersDeactivate => "users.deactivate",
            Self::UsersDelete => "users.delete",
            Self::UsersRestore => "users.restore",
            Self::UsersErase => "users.erase",
            Self::UsersExport => "users.export",
            Self::PartnersSync => "partners.sync",
            Self::Undo => "operations.undo",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether what it did can be taken back: nothing is left of who was removed, an export and a
    /// synchronisation change nobody, and an undo is
    /// undone by doing it again.
    pub const fn can_be_undone(self) -> bool {
        !matches!(self, Self::UsersErase | Self::UsersExport | Self::PartnersSync | Self::Undo)
    }

    /// Whether it is about the deleted; else about the living.
    pub const fn is_of_deleted(self) -> bool {
        matches!(self, Self::UsersRestore)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in OperationKind::ALL {
            assert_eq!(OperationKind::from_name(kind.name()), Some(kind));
        }
    }
}
