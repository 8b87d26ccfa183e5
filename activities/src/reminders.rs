#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::{App, Context};
use muster_domain::{ReminderBatchId, TenantId};
use muster_workflows::contract::reminders::{ReminderBatch, definitions};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::{activity_error, mail_error};
use crate::heartbeat::{Draining, Wanted, alive, batch_span, within};

/// Activities on reminders of tasks.
pub struct ReminderActivities {
    app: App,
    draining: Draining,
}

impl ReminderActivities {
    /// Activities that call these use cases, until the worker drains.
    pub const fn new(app: App, draining: Draining) -> Self {
        Self { app, draining }
    }
}

#[activities]
impl ReminderActivities {
    /// Takes what is due out of tasks of all tenants.
    #[activity(definition = definitions::SendDueReminders)]
    pub async fn send_due_reminders(self: Arc<Self>, ctx: ActivityContext, (): ()) -> Result<(), ActivityError> {
        let wanted = Wanted(&ctx, &self.draining);
        alive(&ctx, self.app.send_due_reminders(&wanted)).await.map(drop).map_err(activity_error)
    }

    /// Sends the mails of a batch.
    #[activity(definition = definitions::SendReminders)]
    pub async fn send_reminders(
        self: Arc<Self>,
        ctx: ActivityContext,
        batch: ReminderBatch,
    ) -> Result<(), ActivityError> {
        let (context, id) = ids(&batch);
        within(batch_span(&ctx, batch.tenant_id, batch.batch_id), async {
            let wanted = Wanted(&ctx, &self.draining);
            let sent = alive(&ctx, self.app.send_reminders(&context, id, &wanted)).await;
            sent.map_err(|error| mail_error(error, &ctx))
        })
        .await
    }

    /// Accounts for what could not be sent in all attempts.
    #[activity(definition = definitions::GiveUpReminders)]
    pub async fn give_up_reminders(
        self: Arc<Self>,
        ctx: ActivityContext,
        batch: ReminderBatch,
    ) -> Result<(), ActivityError> {
        let (context, id) = ids(&batch);
        within(batch_span(&ctx, batch.tenant_id, batch.batch_id), async {
            alive(&ctx, self.app.give_up_reminders(&context, id)).await.map_err(activity_error)
        })
        .await
    }
}

fn ids(batch: &ReminderBatch) -> (Context, ReminderBatchId) {
    (Context::new(TenantId::new(batch.tenant_id)), ReminderBatchId::new(batch.batch_id))
}
