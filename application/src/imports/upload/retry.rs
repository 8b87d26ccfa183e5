use muster_domain::OperationId;
use muster_domain::operations::{OperationRepository, Relation};

use super::{Target, Upload};
use crate::AppError;
use crate::operations::refused;

impl Upload {
    /// Whether an earlier request with the key has come in whole.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.target, Target::Replay(_))
    }

    /// Of a retry: its rows are what this one left.
    pub(crate) fn follow_retry(&mut self, last: Option<OperationId>) {
        self.last_retry = last;
    }

    /// Of two retries of one operation that begin at once the second is refused: it may have read rows that the first does.
    pub(super) async fn follows_last_retry(
        &self,
        operations: &mut dyn OperationRepository,
        parent: OperationId,
    ) -> Result<(), AppError> {
        if operations.lock(parent).await?.is_none() {
            return Err(AppError::not_found("operation"));
        }
        if operations.latest_child(parent, Relation::Retry).await? != self.last_retry {
            let message = "another retry of the operation has begun meanwhile; wait for it, then look what is left";
            return Err(refused(message));
        }
        Ok(())
    }
}
