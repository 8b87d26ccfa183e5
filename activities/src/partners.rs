#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::partners::ProcessPartnerEvent;
use muster_application::{App, Context};
use muster_domain::{PartnerEventId, TenantId};
use muster_workflows::contract::partners::{PartnerEventInput, definitions};
use muster_workflows::policy;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{alive, has_waited, within};
use crate::span::{PARTNER_EVENT, TENANT, span};

/// Activities on what partners tell.
pub struct PartnerActivities {
    app: App,
}

impl PartnerActivities {
    /// Activities that call these use cases.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[activities]
impl PartnerActivities {
    /// Begins the operation that an event asks for.
    #[activity(definition = definitions::ProcessPartnerEvent)]
    pub async fn process_partner_event(
        self: Arc<Self>,
        ctx: ActivityContext,
        input: PartnerEventInput,
    ) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(input.tenant_id));
        within(span(&ctx, &[(TENANT, input.tenant_id), (PARTNER_EVENT, input.event_id)]), async {
            let last_chance = has_waited(&ctx, policy::PARTNER_EVENT_PATIENCE);
            let command = ProcessPartnerEvent { event: PartnerEventId::new(input.event_id), last_chance };
            // It holds an upload, which is large.
            Box::pin(alive(&ctx, self.app.process_partner_event(&context, command))).await.map_err(activity_error)
        })
        .await
    }
}
