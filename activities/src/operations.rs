#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::operations::{FinishOperation, RunRange};
use muster_application::{App, Context};
use muster_domain::operations::OperationFailure;
use muster_domain::{OperationId, TenantId};
use muster_workflows::contract::operations::{
    BlockRange, FinishOperation as FinishPayload, PrepareOperation as PreparePayload, RangeDone, definitions,
};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{Draining, Wanted, alive, within};
use crate::span::{OPERATION, TENANT, span};

/// Activities on rows.
pub struct OperationActivities {
    app: App,
    draining: Draining,
}

impl OperationActivities {
    /// Activities that call these use cases, until the worker drains.
    pub const fn new(app: App, draining: Draining) -> Self {
        Self { app, draining }
    }
}

#[activities]
impl OperationActivities {
    /// Sees to what concerns all blocks, before any of them begins.
    #[activity(definition = definitions::PrepareOperation)]
    pub async fn prepare_operation(
        self: Arc<Self>,
        ctx: ActivityContext,
        prepare: PreparePayload,
    ) -> Result<RangeDone, ActivityError> {
        let context = Context::new(TenantId::new(prepare.tenant_id));
        let span = span(&ctx, &[(TENANT, prepare.tenant_id), (OPERATION, prepare.operation_id)]);
        let (id, wanted) = (OperationId::new(prepare.operation_id), Wanted(&ctx, &self.draining));
        within(span, async {
            let done = alive(&ctx, self.app.prepare_operation(&context, id, &wanted)).await;
            done.map(payload).map_err(activity_error)
        })
        .await
    }

    /// Does every block of a range that is not done.
    #[activity(definition = definitions::RunRange)]
    pub async fn run_range(
        self: Arc<Self>,
        ctx: ActivityContext,
        range: BlockRange,
    ) -> Result<RangeDone, ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        let span = span(&ctx, &[(TENANT, range.tenant_id), (OPERATION, range.operation_id)]);
        let command = RunRange {
            operation: OperationId::new(range.operation_id),
            first_block: range.first_block,
            last_block: range.last_block,
        };
        within(span, async {
            let done = alive(&ctx, self.app.run_range(&context, command, &Wanted(&ctx, &self.draining))).await;
            done.map(payload).map_err(activity_error)
        })
        .await
    }

    /// Judges the ledger and ends the operation.
    #[activity(definition = definitions::FinishOperation)]
    pub async fn finish_operation(
        self: Arc<Self>,
        ctx: ActivityContext,
        finish: FinishPayload,
    ) -> Result<RangeDone, ActivityError> {
        let context = Context::new(TenantId::new(finish.tenant_id));
        let span = span(&ctx, &[(TENANT, finish.tenant_id), (OPERATION, finish.operation_id)]);
        let failure = finish.failed.then(|| OperationFailure {
            code: "NOT_CARRIED_ON".to_owned(),
            detail: "it failed too often and was given up; what was done so far stays".to_owned(),
        });
        let command = FinishOperation { operation: OperationId::new(finish.operation_id), failure };
        within(span, async {
            alive(&ctx, self.app.finish_operation(&context, command)).await.map(payload).map_err(activity_error)
        })
        .await
    }
}

fn payload(done: muster_application::operations::RangeDone) -> RangeDone {
    let muster_application::operations::RangeDone { ended, paused, has_mails, state } = done;
    RangeDone { ended, has_mails, paused, state: state.name().to_owned() }
}
