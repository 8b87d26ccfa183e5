use muster_domain::OperationId;
use muster_domain::operations::{
    NewOperation, Operation, OperationOptions, OperationState, Parent, PlanDigest, Relation,
};

use super::control::refused;
use crate::{App, AppError, Context, ErrorCode, ErrorKind};

/// An operation that does what was planned, and whether it was begun just now.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The operation that does it.
    pub operation: Operation,
    /// Whether an earlier request had begun it.
    pub replayed: bool,
}

impl App {
    /// Begins to do what a dry run planned: an operation of its own, each block of which does just what the plan says, or
    /// nothing. Asked again it gives the same one, unless that has ended without having done anything.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it is not a dry run, has not ended or its upload was removed; `PreconditionFailed` when
    /// the digest is not that of the plan.
    pub async fn apply_operation(
        &self,
        ctx: &Context,
        id: OperationId,
        digest: PlanDigest,
    ) -> Result<Applied, AppError> {
        let mut uow = self.begin(ctx).await?;
        // Locked, so that two who ask at once begin one.
        let plan = uow.operations().lock(id).await?.ok_or_else(|| AppError::not_found("operation"))?;
        if !plan.options.dry_run {
            return Err(refused("the operation is no dry run; there is nothing to apply"));
        }
        let Some(planned) = plan.plan else {
            let state = plan.state.name();
            return Err(refused(format!(
                "the dry run is {state}; only one that has looked at all rows can be applied"
            )));
        };
        if planned != digest {
            let message = "If-Match is not the digest of this plan; read its plan.digest";
            return Err(AppError::new(ErrorKind::PreconditionFailed, ErrorCode::OutcomeDiffers, message));
        }
        if let Some(child) = uow.operations().latest_child(id, Relation::Apply).await?
            && let Some(operation) = uow.operations().find(child).await?
            && !has_done_nothing(&operation)
        {
            return Ok(Applied { operation, replayed: true });
        }

        let rows = u32::try_from(plan.progress.rows_total).unwrap_or(u32::MAX);
        self.check_limits(uow.operations(), rows, true).await?;
        let now = self.ports.clock.now();
        let new = NewOperation {
            id: self.ports.ids.operation_id(),
            kind: plan.kind,
            format: plan.format,
            parent: Some(Parent { id, relation: Relation::Apply }),
            actor: ctx.actor.clone(),
            created_at: now,
        };
        let operations = uow.operations();
        operations.insert(&new, now).await?;
        let (rows, blocks) = operations.copy_plan(new.id, id).await?;
        if blocks == 0 {
            return Err(refused("the rows of the plan were removed since; send them again"));
        }
        let options = OperationOptions { dry_run: false, ..plan.options };
        operations.queue(new.id, options, &plan.unknown_columns, rows, blocks, now).await?;
        let operation = operations.find(new.id).await?.ok_or_else(|| AppError::internal("a new operation is gone"))?;
        uow.commit().await?;
        self.ask_for_workflow(&operation).await;
        Ok(Applied { operation, replayed: false })
    }
}

/// Whether it may be begun anew: it has ended, and the ledger says that nobody was made or changed.
fn has_done_nothing(operation: &Operation) -> bool {
    matches!(operation.state, OperationState::Failed | OperationState::Cancelled)
        && operation.progress.created + operation.progress.changed == 0
}
