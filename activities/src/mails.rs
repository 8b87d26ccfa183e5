#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::mails::SendMails;
use muster_application::{App, Context};
use muster_domain::{OperationId, TenantId};
use muster_workflows::contract::imports::BlockRange;
use muster_workflows::contract::mails::definitions;
use muster_workflows::policy;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::{activity_error, activity_error_after};
use crate::heartbeat::{Wanted, alive, span, within};

/// Activities on mail.
pub struct MailActivities {
    app: App,
}

impl MailActivities {
    /// Activities that call these use cases.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[activities]
impl MailActivities {
    /// Sends the mails of a range of blocks.
    #[activity(definition = definitions::SendMails)]
    pub async fn send_mails(self: Arc<Self>, ctx: ActivityContext, range: BlockRange) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        within(span(&ctx, range.tenant_id, range.operation_id), async {
            let sent = alive(&ctx, self.app.send_mails(&context, command(&range), &Wanted(&ctx))).await;
            sent.map_err(|error| {
                let of_the_server = matches!(error.code, "MAIL_DEFERRED" | "MAIL_UNREACHABLE");
                activity_error_after(error, of_the_server.then(|| policy::mail_pause(ctx.info().attempt)))
            })
        })
        .await
    }

    /// Counts what could not be sent in all attempts.
    #[activity(definition = definitions::GiveUpMails)]
    pub async fn give_up_mails(self: Arc<Self>, ctx: ActivityContext, range: BlockRange) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(range.tenant_id));
        within(span(&ctx, range.tenant_id, range.operation_id), async {
            alive(&ctx, self.app.give_up_mails(&context, command(&range))).await.map_err(activity_error)
        })
        .await
    }
}

fn command(range: &BlockRange) -> SendMails {
    SendMails {
        operation: OperationId::new(range.operation_id),
        first_block: range.first_block,
        last_block: range.last_block,
    }
}
