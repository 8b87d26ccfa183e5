//! Long-running operations: what was asked, how far it is, what came of it.

mod block;
mod conflict;
mod error_budget;
mod file;
mod kind;
mod operation;
mod options;
mod parent;
mod pause;
mod progress;
mod repository;
mod row;
mod row_id;
mod state;

pub use block::{BLOCK_ROWS, Block, BlockOutcome, BlockPayload, PlanDigest, UploadedBlock};
pub use conflict::{MatchBy, OnConflict};
pub use error_budget::ErrorBudget;
pub use file::{FilePart, FileRepository, OperationFile};
pub use kind::OperationKind;
pub use operation::{NewOperation, Operation, OperationFailure};
pub use options::{OnError, OperationOptions, UploadFormat};
pub use parent::{Parent, Relation, UndoAsked};
pub use pause::{Pause, PauseReason};
pub use progress::{Progress, Retried, Usage};
pub use repository::{
    DueOperation, DueReason, IdempotencyEntry, KeyOwner, OperationPosition, OperationReader, OperationRepository,
};
pub use row::{RetriedRow, RowStatus, SettledBlock, StoredRow, StoredRows};
pub use row_id::RowIds;
pub use state::{OperationState, TransitionError};

#[cfg(test)]
pub(crate) use operation::tests;
