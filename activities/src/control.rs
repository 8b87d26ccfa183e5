#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use muster_application::App;
use muster_workflows::contract::control::definitions;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{alive, within};
use crate::span::span;

/// Activities on operations of all tenants.
pub struct ControlActivities {
    app: App,
}

impl ControlActivities {
    /// Activities that call these use cases.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[activities]
impl ControlActivities {
    /// Starts, removes and forgets what crashes and outages left behind.
    #[activity(definition = definitions::Sweep)]
    pub async fn sweep(self: Arc<Self>, ctx: ActivityContext, (): ()) -> Result<(), ActivityError> {
        within(span(&ctx, &[]), async { alive(&ctx, self.app.sweep()).await.map(drop).map_err(activity_error) }).await
    }
}
