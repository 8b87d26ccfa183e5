/// Where an operation is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// Its upload is coming in.
    Receiving,
    /// Everything is stored; a worker is to begin.
    Queued,
    /// A worker has begun.
    Running,
    /// Nothing is done until somebody resumes it.
    Paused,
    /// Every row did what was asked.
    Succeeded,
    /// Some rows did, some failed.
    PartiallySucceeded,
    /// Nothing was done, or it could not be carried on.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// What it did was taken back.
    Undone,
}

/// A move that the state machine does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an operation that is {} cannot become {}", from.name(), to.name())]
pub struct TransitionError {
    /// Where it is.
    pub from: OperationState,
    /// Where it was to go.
    pub to: OperationState,
}

impl OperationState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Receiving,
        Self::Queued,
        Self::Running,
        Self::Paused,
        Self::Succeeded,
        Self::PartiallySucceeded,
        Self::Failed,
        Self::Cancelled,
        Self::Undone,
    ];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receiving => "receiving",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::PartiallySucceeded => "partially_succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Undone => "undone",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::PartiallySucceeded | Self::Failed | Self::Cancelled | Self::Undone)
    }

    /// Whether its own work comes to this.
    const fn is_end(self) -> bool {
        self.is_final() && !matches!(self, Self::Undone)
    }

    /// Whether nothing happens until somebody acts: it has ended, or is paused.
    pub const fn rests(self) -> bool {
        self.is_final() || matches!(self, Self::Paused)
    }

    /// Whether its rows may be done.
    pub const fn is_going(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }

    /// Moves on.
    ///
    /// # Errors
    /// When the state machine has no such move.
    pub fn to(self, next: Self) -> Result<Self, TransitionError> {
        let legal = match self {
            Self::Receiving => matches!(next, Self::Queued),
            Self::Queued => matches!(next, Self::Running | Self::Paused) || next.is_end(),
            Self::Running => matches!(next, Self::Paused) || next.is_end(),
            // Whoever resumes it queues it anew; its rows cannot end it.
            Self::Paused => matches!(next, Self::Queued | Self::Failed | Self::Cancelled),
            Self::Succeeded | Self::PartiallySucceeded | Self::Failed | Self::Cancelled => matches!(next, Self::Undone),
            Self::Undone => false,
        };
        if legal { Ok(next) } else { Err(TransitionError { from: self, to: next }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for state in OperationState::ALL {
            assert_eq!(OperationState::from_name(state.name()), Some(state));
        }
    }

    #[test]
    fn only_what_goes_on_is_paused_and_only_what_is_paused_resumes() {
        for state in OperationState::ALL {
            assert_eq!(state.to(OperationState::Paused).is_ok(), state.is_going(), "{state:?}");
            let queued = matches!(state, OperationState::Receiving | OperationState::Paused);
            assert_eq!(state.to(OperationState::Queued).is_ok(), queued, "{state:?}");
        }
    }

    #[test]
    fn an_end_is_left_only_by_being_undone_and_that_by_no_move() {
        for from in OperationState::ALL.into_iter().filter(|state| state.is_final()) {
            for to in OperationState::ALL {
                let legal = from != OperationState::Undone && to == OperationState::Undone;
                assert_eq!(from.to(to), if legal { Ok(to) } else { Err(TransitionError { from, to }) });
            }
        }
    }

    #[test]
    fn only_what_has_ended_is_undone() {
        for state in OperationState::ALL.into_iter().filter(|state| !state.is_final()) {
            assert!(state.to(OperationState::Undone).is_err(), "{state:?}");
        }
    }
}
