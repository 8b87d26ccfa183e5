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
    /// Takes back what another operation did.
    Undo,
    /// Makes tasks from an upload.
    TasksImport,
    /// Begins tasks.
    TasksStart,
    /// Completes tasks.
    TasksComplete,
    /// Cancels tasks.
    TasksCancel,
    /// Makes tasks to be done again.
    TasksReopen,
    /// Deletes tasks softly.
    TasksDelete,
    /// Takes back what another operation did to tasks.
    TasksUndo,
}

impl OperationKind {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::UsersImport,
        Self::UsersUpdate,
        Self::UsersDeactivate,
        Self::UsersDelete,
        Self::UsersRestore,
        Self::UsersErase,
        Self::UsersExport,
        Self::Undo,
        Self::TasksImport,
        Self::TasksStart,
        Self::TasksComplete,
        Self::TasksCancel,
        Self::TasksReopen,
        Self::TasksDelete,
        Self::TasksUndo,
    ];
    /// Those that change users who are there, each row naming one.
    pub const CHANGES: [Self; 5] =
        [Self::UsersUpdate, Self::UsersDeactivate, Self::UsersDelete, Self::UsersRestore, Self::UsersErase];

    /// Those that change tasks that are there, each row naming one by its id.
    pub const TASK_CHANGES: [Self; 5] =
        [Self::TasksStart, Self::TasksComplete, Self::TasksCancel, Self::TasksReopen, Self::TasksDelete];

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
            Self::Undo => "operations.undo",
            Self::TasksImport => "tasks.import",
            Self::TasksStart => "tasks.start",
            Self::TasksComplete => "tasks.complete",
            Self::TasksCancel => "tasks.cancel",
            Self::TasksReopen => "tasks.reopen",
            Self::TasksDelete => "tasks.delete",
            Self::TasksUndo => "tasks.undo",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether what it did can be taken back: nothing is left of who was removed, an export changes nobody, and an undo is
    /// undone by doing it again.
    pub const fn can_be_undone(self) -> bool {
        !matches!(self, Self::UsersErase | Self::UsersExport | Self::Undo | Self::TasksUndo)
    }

    /// Whether it is about tasks; else it is about users.
    pub const fn is_of_tasks(self) -> bool {
        matches!(
            self,
            Self::TasksImport
                | Self::TasksStart
                | Self::TasksComplete
                | Self::TasksCancel
                | Self::TasksReopen
                | Self::TasksDelete
                | Self::TasksUndo
        )
    }

    /// Whether its rows make something.
    pub const fn is_import(self) -> bool {
        matches!(self, Self::UsersImport | Self::TasksImport)
    }

    /// What takes back what it did.
    #[must_use]
    pub const fn undone_by(self) -> Self {
        if self.is_of_tasks() { Self::TasksUndo } else { Self::Undo }
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
