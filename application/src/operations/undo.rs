use std::sync::Arc;

use muster_domain::OperationId;
use muster_domain::operations::{
    NewOperation, OnError, Operation, OperationKind, OperationOptions, OperationState, Parent, Relation,
    TransitionError, UndoAsked,
};

use super::control::{cannot, refused};
use crate::ports::UnitOfWork;
use crate::{App, AppError, Context};

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
        if let Some(operation) = undo_of(uow.as_mut(), id).await? {
            return Ok(Undo { operation, replayed: true });
        }
        if !parent.can_be_undone() {
            let message = match parent.kind {
                OperationKind::UsersExport => "an export changes nobody; there is nothing to take back".to_owned(),
                _ if parent.options.dry_run => "a dry run changed nobody; there is nothing to take back".to_owned(),
                kind => format!("what {} did cannot be taken back", kind.name()),
            };
            return Err(refused(message));
        }
        let from = parent.state;
        let to = OperationState::Undone;
        from.to(to).map_err(|_| cannot(TransitionError { from, to }))?;
        let Some(operation) = self.begin_undo(uow, &parent, ctx.actor.clone()).await? else {
            let message = "the operation changed nothing; there is nothing to take back";
            return Err(refused(message));
        };
        Ok(Undo { operation, replayed: false })
    }

    /// Begins the undo that was asked for with the cancel of an operation, once; none when there is nothing to take back.
    /// Whoever finds the operation cancelled calls this, so that it happens even if the one who cancelled it dies.
    pub(super) async fn undo_cancelled(
        &self,
        ctx: &Context,
        id: OperationId,
        asked: Option<UndoAsked>,
    ) -> Result<Option<Operation>, AppError> {
        let mut uow = self.begin(ctx).await?;
        // Blocks that were being done when it was cancelled are to be taken back, too.
        uow.operations().drain(id).await?;
        let Some(parent) = uow.operations().lock(id).await? else { return Ok(None) };
        let Some(asked) = parent.undo_asked.clone().or(asked) else { return Ok(None) };
        if parent.state != OperationState::Cancelled || !parent.can_be_undone() {
            return Ok(None);
        }
        // One that has not succeeded was seen by somebody, who decides what to do about it.
        if let Some(undo) = uow.operations().latest_child(id, Relation::Undo).await? {
            return Ok(uow.operations().find(undo).await?);
        }
        self.begin_undo(uow, &parent, asked.by).await
    }

    /// None, and nothing begun, when there is nothing to take back.
    async fn begin_undo(
        &self,
        mut uow: Box<dyn UnitOfWork>,
        parent: &Operation,
        actor: Option<Arc<str>>,
    ) -> Result<Option<Operation>, AppError> {
        let now = self.ports.clock.now();
        let new = NewOperation {
            id: self.ports.ids.operation_id(),
            kind: parent.kind.undone_by(),
            format: parent.format,
            parent: Some(Parent { id: parent.id, relation: Relation::Undo }),
            actor,
            created_at: now,
        };
        let operations = uow.operations();
        operations.insert(&new, now).await?;
        let (rows, blocks) = operations.copy_blocks(new.id, parent.id).await?;
        if blocks == 0 {
            return Ok(None);
        }
        let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
        operations.queue(new.id, options, &[], rows, blocks, now).await?;
        let operation = operations.find(new.id).await?.ok_or_else(|| AppError::internal("a new operation is gone"))?;
        uow.commit().await?;
        self.ask_for_workflow(&operation).await;
        Ok(Some(operation))
    }
}

/// The undo of an operation that goes on, waits or has succeeded.
async fn undo_of(uow: &mut dyn UnitOfWork, id: OperationId) -> Result<Option<Operation>, AppError> {
    let Some(undo) = uow.operations().latest_child(id, Relation::Undo).await? else { return Ok(None) };
    let found = uow.operations().find(undo).await?;
    Ok(found.filter(|undo| !undo.state.is_final() || undo.state == OperationState::Succeeded))
}
