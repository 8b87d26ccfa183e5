#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::mails::SendMails;
use muster_application::{App, Context};
use muster_domain::{OperationId, TenantId, WelcomeBatchId};
use muster_workflows::contract::mails::{WelcomeBatch, definitions};
use muster_workflows::contract::operations::BlockRange;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::{activity_error, mail_error};
use crate::heartbeat::{Draining, Wanted, alive, within};
use crate::span::{BATCH, OPERATION, TENANT, span};

/// Activities on mail.
pub struct MailActivities {
    app: App,
    draining: Draining,
}

impl MailActivities {
    /// Activities that call these use cases, until the worker drains.
    pub const fn new(app: App, draining: Draining) -> Self {
        Self { app, draining }
    }
}

#[activities]
impl MailActivities {
    /// Sends the mails of a range of blocks.
    #[activity(definition = definitions::SendMails)]
    pub async fn send_mails(self: Arc<Self>, ctx: ActivityContext, range: BlockRange) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        within(span(&ctx, &[(TENANT, range.tenant_id), (OPERATION, range.operation_id)]), async {
            let sent = alive(&ctx, self.app.send_mails(&context, command(&range), &Wanted(&ctx, &self.draining))).await;
            sent.map_err(|error| mail_error(error, &ctx))
        })
        .await
    }

    /// Counts what could not be sent in all attempts.
    #[activity(definition = definitions::GiveUpMails)]
    pub async fn give_up_mails(self: Arc<Self>, ctx: ActivityContext, range: BlockRange) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        within(span(&ctx, &[(TENANT, range.tenant_id), (OPERATION, range.operation_id)]), async {
            alive(&ctx, self.app.give_up_mails(&context, command(&range))).await.map_err(activity_error)
        })
        .await
    }

    /// Sends the mails of a batch.
    #[activity(definition = definitions::SendWelcomeBatch)]
    pub async fn send_welcome_batch(
        self: Arc<Self>,
        ctx: ActivityContext,
        batch: WelcomeBatch,
    ) -> Result<(), ActivityError> {
        let (context, id) = ids(&batch);
        within(span(&ctx, &[(TENANT, batch.tenant_id), (BATCH, batch.batch_id)]), async {
            let wanted = Wanted(&ctx, &self.draining);
            let sent = alive(&ctx, self.app.send_welcomes(&context, id, &wanted)).await;
            sent.map_err(|error| mail_error(error, &ctx))
        })
        .await
    }

    /// Accounts for what could not be sent in all attempts.
    #[activity(definition = definitions::GiveUpWelcomeBatch)]
    pub async fn give_up_welcome_batch(
        self: Arc<Self>,
        ctx: ActivityContext,
        batch: WelcomeBatch,
    ) -> Result<(), ActivityError> {
        let (context, id) = ids(&batch);
        within(span(&ctx, &[(TENANT, batch.tenant_id), (BATCH, batch.batch_id)]), async {
            alive(&ctx, self.app.give_up_welcomes(&context, id)).await.map_err(activity_error)
        })
        .await
    }
}

fn ids(batch: &WelcomeBatch) -> (Context, WelcomeBatchId) {
    (Context::new(TenantId::new(batch.tenant_id)), WelcomeBatchId::new(batch.batch_id))
}

fn command(range: &BlockRange) -> SendMails {
    SendMails {
        operation: OperationId::new(range.operation_id),
        first_block: range.first_block,
        last_block: range.last_block,
    }
}
