use std::sync::Mutex;

use muster_domain::RepositoryError;

use super::lock;

/// Where storage breaks down once; counted from 1 at the moment it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// At the n-th call of any kind (begin, a method of a repository or reader, commit), before it does anything.
    Call(u32),
    /// At the n-th commit, which does nothing.
    Commit(u32),
    /// After the n-th commit: it is done, but the answer is lost.
    Answer(u32),
}

/// The fault that waits to happen.
#[derive(Debug, Default)]
pub(super) struct FaultSwitch(Mutex<Option<Fault>>);

/// What goes wrong with a commit.
pub(super) enum CommitFault {
    None,
    Before,
    After,
}

impl FaultSwitch {
    pub(super) fn set(&self, fault: Option<Fault>) -> Option<Fault> {
        std::mem::replace(&mut lock(&self.0), fault)
    }

    /// To be called first by every call.
    pub(super) fn call(&self) -> Result<(), RepositoryError> {
        let mut fault = lock(&self.0);
        match fault.as_mut() {
            Some(Fault::Call(1)) => {
                *fault = None;
                Err(unavailable())
            }
            Some(Fault::Call(left)) => {
                *left = left.saturating_sub(1);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// To be called by each commit after [`Self::call`].
    pub(super) fn commit(&self) -> CommitFault {
        let mut fault = lock(&self.0);
        let outcome = match fault.as_mut() {
            Some(Fault::Commit(1)) => CommitFault::Before,
            Some(Fault::Answer(1)) => CommitFault::After,
            Some(Fault::Commit(left) | Fault::Answer(left)) => {
                *left = left.saturating_sub(1);
                return CommitFault::None;
            }
            _ => return CommitFault::None,
        };
        *fault = None;
        outcome
    }
}

pub(super) fn unavailable() -> RepositoryError {
    RepositoryError::Unavailable("cut by the test".into())
}
