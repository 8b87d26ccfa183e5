/// How far a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// Nobody has begun.
    #[default]
    Todo,
    /// Somebody is at it.
    InProgress,
    /// It is done.
    Done,
    /// Nobody wants it any more.
    Cancelled,
}

/// What can be done to a task's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskMove {
    /// Somebody begins.
    Start,
    /// It is done.
    Complete,
    /// It is not to be done.
    Cancel,
    /// It is to be done after all, or again.
    Reopen,
}

/// A move that the status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {} cannot become {}", .from.name(), .to.name())]
pub struct IllegalMove {
    /// What the task is.
    pub from: TaskStatus,
    /// What it was to become.
    pub to: TaskStatus,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Todo, Self::InProgress, Self::Done, Self::Cancelled];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Todo => "todo",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether there is still something to be done.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Todo | Self::InProgress)
    }

    /// What a move makes of it.
    ///
    /// # Errors
    /// When the status does not allow the move.
    pub const fn after(self, by: TaskMove) -> Result<Self, IllegalMove> {
        let to = by.leads_to();
        let is_allowed = match by {
            TaskMove::Start => matches!(self, Self::Todo),
            TaskMove::Complete => matches!(self, Self::InProgress),
            TaskMove::Cancel => self.is_open(),
            TaskMove::Reopen => !self.is_open(),
        };
        if is_allowed { Ok(to) } else { Err(IllegalMove { from: self, to }) }
    }
}

impl TaskMove {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Start, Self::Complete, Self::Cancel, Self::Reopen];

    /// The status that a task has after it.
    pub const fn leads_to(self) -> TaskStatus {
        match self {
            Self::Start => TaskStatus::InProgress,
            Self::Complete => TaskStatus::Done,
            Self::Cancel => TaskStatus::Cancelled,
            Self::Reopen => TaskStatus::Todo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_these_moves_are_allowed() {
        use TaskMove::{Cancel, Complete, Reopen, Start};
        use TaskStatus::{Cancelled, Done, InProgress, Todo};
        let allowed = [
            (Todo, Start, InProgress),
            (InProgress, Complete, Done),
            (Todo, Cancel, Cancelled),
            (InProgress, Cancel, Cancelled),
            (Done, Reopen, Todo),
            (Cancelled, Reopen, Todo),
        ];
        for from in TaskStatus::ALL {
            for by in TaskMove::ALL {
                let expected = allowed.iter().find(|known| (known.0, known.1) == (from, by)).map(|known| known.2);
                assert_eq!(from.after(by), expected.ok_or(IllegalMove { from, to: by.leads_to() }), "{from:?} {by:?}");
            }
        }
    }

    #[test]
    fn names_are_read_back_and_an_illegal_move_names_both() {
        for status in TaskStatus::ALL {
            assert_eq!(TaskStatus::from_name(status.name()), Some(status));
        }
        let error = TaskStatus::Done.after(TaskMove::Start).unwrap_err();
        assert_eq!(error.to_string(), "a task that is done cannot become in_progress");
    }
}
