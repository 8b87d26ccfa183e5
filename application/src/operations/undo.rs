use muster_domain::OperationId;
use muster_domain::operations::{
    NewOperation, OnError, Operation, OperationKind, OperationOptions, OperationState, TransitionError,
};

use super::control::cannot;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// An undo, and whether it was begun just now.
#[derive(Debug, Clone)]
pub struct Undo {
    /// The operation that undoes.
    pub operation: Operation,
    /// Whether an earlier request had begun it.
    pub replayed: bool,
}

impl App {
    /// Begins to take back what an operation did: an operation of its own. It leaves alone whoever was changed since, and
    /// reports them. Asked again while there is an undo that goes on, waits or has succeeded, it gives that one.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the operation has not ended, was undone, or is of a kind that cannot be undone.
    pub async fn undo_operation(&self, ctx: &Context, id: OperationId) -> Result<Undo, AppError> {
        let mut uow = self.begin(ctx).await?;
        // Locked, so that two who ask at once begin one undo.
        let parent = uow.operations().lock(id).await?.ok_or_else(|| AppError::not_found("operation"))?;
        if let Some(undo) = uow.operations().undo_of(id).await?
            && let Some(operation) = uow.operations().find(undo).await?
            && (!operation.state.is_final() || operation.state == OperationState::Succeeded)
        {
            return Ok(Undo { operation, replayed: true });
        }
        if !parent.kind.can_be_undone() {
            let message = match parent.kind {
                OperationKind::UsersExport => "an export changes nobody; there is nothing to take back".to_owned(),
                kind => format!("what {} did cannot be taken back", kind.name()),
            };
            return Err(AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message));
        }
        let from = parent.state;
        let to = OperationState::Undone;
        from.to(to).map_err(|_| cannot(TransitionError { from, to }))?;

        let now = self.ports.clock.now();
        let new = NewOperation {
            id: self.ports.ids.operation_id(),
            kind: OperationKind::Undo,
            format: parent.format,
            parent: Some(id),
            actor: ctx.actor.clone(),
            created_at: now,
        };
        let operations = uow.operations();
        operations.insert(&new, now).await?;
        let (rows, blocks) = operations.copy_blocks(new.id, id).await?;
        if blocks == 0 {
            let message = "the operation changed nothing; there is nothing to take back";
            return Err(AppError::new(ErrorKind::Conflict, ErrorCode::BusinessRuleViolation, message));
        }
        let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
        operations.queue(new.id, options, &[], rows, blocks, now).await?;
        let operation = operations.find(new.id).await?.ok_or_else(|| AppError::internal("a new operation is gone"))?;
        uow.commit().await?;
        self.ask_for_workflow(&operation).await;
        Ok(Undo { operation, replayed: false })
    }
}
