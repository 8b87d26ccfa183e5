use muster_domain::OperationId;
use muster_domain::operations::{Operation, OperationState, UndoAsked};

use super::control::cannot;
use crate::{App, AppError, Context};

/// What becomes of what a cancelled operation has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnCancel {
    /// It stays.
    #[default]
    Keep,
    /// It is taken back.
    Undo,
}

/// A cancelled operation.
#[derive(Debug, Clone)]
pub struct CancelledOperation {
    /// As it is now.
    pub operation: Operation,
    /// The operation that takes back what it did; none when that was not asked for, or when there is nothing.
    pub undo: Option<OperationId>,
}

impl OnCancel {
    /// The policy of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "keep" => Some(Self::Keep),
            "undo" => Some(Self::Undo),
            _ => None,
        }
    }
}

impl App {
    /// Ends an operation where it is; when this returns nothing more is done. What is done stays, or is undone by an
    /// operation of its own, which begins although this process may die. One that is cancelled stays so.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has ended otherwise, or is still being received.
    pub async fn cancel_operation(
        &self,
        ctx: &Context,
        id: OperationId,
        on_cancel: OnCancel,
    ) -> Result<CancelledOperation, AppError> {
        let asked = (on_cancel == OnCancel::Undo).then(|| UndoAsked { by: ctx.actor.clone() });
        let noted = asked.clone();
        let cancel = |operation: &mut Operation, now| {
            if operation.state == OperationState::Cancelled {
                return Ok(false);
            }
            operation.cancel(now).map_err(cannot)?;
            operation.undo_asked = noted;
            Ok(true)
        };
        let operation = self.stop(ctx, id, cancel).await?;
        // One that waits would wait on.
        self.wake(&operation).await;
        let undo = match asked {
            None => None,
            asked => self.undo_cancelled(ctx, id, asked).await?.map(|undo| undo.id),
        };
        Ok(CancelledOperation { operation, undo })
    }
}
