#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::imports::{FinishImport, ImportRange};
use muster_application::{App, Context};
use muster_domain::operations::OperationFailure;
use muster_domain::{OperationId, TenantId};
use muster_workflows::contract::imports::{BlockRange, FinishImport as FinishPayload, RangeDone, definitions};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{Draining, Wanted, alive, span, within};

/// Activities on rows.
pub struct ImportActivities {
    app: App,
    draining: Draining,
}

impl ImportActivities {
    /// Activities that call these use cases, until the worker drains.
    pub const fn new(app: App, draining: Draining) -> Self {
        Self { app, draining }
    }
}

#[activities]
impl ImportActivities {
    /// Does every block of a range that is not done.
    #[activity(definition = definitions::ImportRange)]
    pub async fn import_range(
        self: Arc<Self>,
        ctx: ActivityContext,
        range: BlockRange,
    ) -> Result<RangeDone, ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        let span = span(&ctx, range.tenant_id, range.operation_id);
        let command = ImportRange {
            operation: OperationId::new(range.operation_id),
            first_block: range.first_block,
            last_block: range.last_block,
        };
        within(span, async {
            let done = alive(&ctx, self.app.import_range(&context, command, &Wanted(&ctx, &self.draining))).await;
            done.map(payload).map_err(activity_error)
        })
        .await
    }

    /// Judges the ledger and ends the operation.
    #[activity(definition = definitions::FinishImport)]
    pub async fn finish_import(
        self: Arc<Self>,
        ctx: ActivityContext,
        finish: FinishPayload,
    ) -> Result<RangeDone, ActivityError> {
        let context = Context::new(TenantId::new(finish.tenant_id));
        let span = span(&ctx, finish.tenant_id, finish.operation_id);
        let failure = finish.failed.then(|| OperationFailure {
            code: "NOT_CARRIED_ON".to_owned(),
            detail: "the import failed too often and was given up; the users made so far are kept".to_owned(),
        });
        let command = FinishImport { operation: OperationId::new(finish.operation_id), failure };
        within(span, async {
            alive(&ctx, self.app.finish_import(&context, command)).await.map(payload).map_err(activity_error)
        })
        .await
    }
}

fn payload(done: muster_application::imports::RangeDone) -> RangeDone {
    let muster_application::imports::RangeDone { ended, paused, has_mails, state } = done;
    RangeDone { ended, has_mails, paused, state: state.name().to_owned() }
}
