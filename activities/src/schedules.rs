#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]

use std::sync::Arc;

use chrono::{DateTime, Utc};
use muster_application::schedules::RunScheduled;
use muster_application::{App, AppError, Context};
use muster_domain::{ScheduleId, TenantId};
use muster_workflows::contract::schedules::{BeginScheduled, definitions};
use muster_workflows::policy;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

use crate::error::activity_error;
use crate::heartbeat::{alive, has_waited, within};
use crate::span::{SCHEDULE, TENANT, span};

/// Activities on schedules.
pub struct ScheduleActivities {
    app: App,
}

impl ScheduleActivities {
    /// Activities that call these use cases.
    pub const fn new(app: App) -> Self {
        Self { app }
    }
}

#[activities]
impl ScheduleActivities {
    /// Begins the operation of a run.
    #[activity(definition = definitions::BeginScheduled)]
    pub async fn begin_scheduled(
        self: Arc<Self>,
        ctx: ActivityContext,
        begin: BeginScheduled,
    ) -> Result<(), ActivityError> {
        let context = Context::new(TenantId::new(begin.tenant_id));
        within(span(&ctx, &[(TENANT, begin.tenant_id), (SCHEDULE, begin.schedule_id)]), async {
            let command = command(&begin, has_waited(&ctx, policy::SCHEDULE_PATIENCE)).map_err(activity_error)?;
            // It holds an upload while it gathers, which is large.
            Box::pin(alive(&ctx, self.app.run_scheduled(&context, command))).await.map_err(activity_error)
        })
        .await
    }
}

fn command(begin: &BeginScheduled, last_chance: bool) -> Result<RunScheduled, AppError> {
    let at = begin.at.parse::<DateTime<Utc>>();
    let at = at.map_err(|_| AppError::invalid("the workflow has no id that the run of a schedule has"))?;
    Ok(RunScheduled { schedule: ScheduleId::new(begin.schedule_id), at, triggered: begin.triggered, last_chance })
}
