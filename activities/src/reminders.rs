#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::App;
use muster_domain::ReminderBatchId;
use muster_workflows::contract::reminders::{ReminderBatch, definitions};
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::{activity_error, mail_error};
use crate::heartbeat::{Draining, Wanted, alive, within};
use crate::span::{BATCH, span};

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
        within(span(&ctx, &[]), async {
            let wanted = Wanted(&ctx, &self.draining);
            alive(&ctx, self.app.send_due_reminders(&wanted)).await.map(drop).map_err(activity_error)
        })
        .await
    }

    /// Sends the mails of a batch.
    #[activity(definition = definitions::SendReminders)]
    pub async fn send_reminders(
        self: Arc<Self>,
        ctx: ActivityContext,
        batch: ReminderBatch,
    ) -> Result<(), ActivityError> {
        within(span(&ctx, &[(BATCH, batch.batch_id)]), async {
            let wanted = Wanted(&ctx, &self.draining);
            let sent = alive(&ctx, self.app.send_reminders(ReminderBatchId::new(batch.batch_id), &wanted)).await;
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
        within(span(&ctx, &[(BATCH, batch.batch_id)]), async {
            let given_up = self.app.give_up_reminders(ReminderBatchId::new(batch.batch_id));
            alive(&ctx, given_up).await.map_err(activity_error)
        })
        .await
    }
}
