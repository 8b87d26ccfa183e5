use std::time::Duration;

use muster_workflows::{SendDueReminders, Sweep, names, policy};
use temporalio_client::RpcOptions;
use temporalio_client::schedules::{
    CreateScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec,
};
use temporalio_client::tonic::{Code, Request};
use temporalio_common::WorkflowDefinition;
use temporalio_common::protos::temporal::api::enums::v1::{IndexedValueType, ScheduleOverlapPolicy as OverlapPolicy};
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, ListSearchAttributesRequest,
};
use temporalio_common::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common::protos::temporal::api::schedule::v1::{IntervalSpec, Schedule};

use super::{Temporal, TemporalError};

/// A schedule of ours, which serves all tenants.
pub(super) struct Own {
    pub(super) id: &'static str,
    note: &'static str,
    /// Workflow ids of its runs begin so.
    workflow: &'static str,
    /// What its runs are.
    kind: &'static str,
    action: ScheduleAction,
    every: Duration,
    /// After an outage one run does the work of all that were missed.
    catchup: Duration,
}

pub(super) fn sweeper() -> Own {
    let (queue, workflow) = (names::CONTROL_QUEUE, names::SWEEPER_WORKFLOW);
    Own {
        id: names::SWEEPER_SCHEDULE,
        note: "Looks after what crashes and outages leave behind",
        workflow,
        kind: Sweep::run.name(),
        action: ScheduleAction::start_workflow(Sweep::run, (), queue, workflow),
        every: policy::SWEEP_EVERY,
        catchup: policy::SWEEP_CATCHUP,
    }
}

pub(super) fn reminders() -> Own {
    let (queue, workflow) = (names::CONTROL_QUEUE, names::REMINDERS_WORKFLOW);
    Own {
        id: names::REMINDERS_SCHEDULE,
        note: "Hands over the reminders of tasks that are due",
        workflow,
        kind: SendDueReminders::run.name(),
        action: ScheduleAction::start_workflow(SendDueReminders::run, (), queue, workflow),
        every: policy::REMIND_EVERY,
        catchup: policy::REMIND_CATCHUP,
    }
}

/// Makes what the namespace needs and does not have: our search attributes, and the schedules of the sweeper and of reminders
/// as this release wants them. Safe to repeat, and for several workers at once.
///
/// # Errors
/// When the server cannot be reached, or refuses.
pub async fn prepare_namespace(temporal: &Temporal, namespace: &str) -> Result<(), TemporalError> {
    add_search_attributes(temporal, namespace).await?;
    prepare_schedule(temporal, sweeper()).await?;
    prepare_schedule(temporal, reminders()).await
}

async fn add_search_attributes(temporal: &Temporal, namespace: &str) -> Result<(), TemporalError> {
    let client = temporal.client().await?;
    let mut operator = client.connection().operator_service();
    let list = ListSearchAttributesRequest { namespace: namespace.to_owned() };
    let known = operator.list_search_attributes(Request::new(list)).await.map_err(refused)?.into_inner();
    let missing: Vec<_> =
        names::SEARCH_ATTRIBUTES.iter().filter(|name| !known.custom_attributes.contains_key(**name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let add = AddSearchAttributesRequest {
        namespace: namespace.to_owned(),
        search_attributes: missing
            .into_iter()
            .map(|name| ((*name).to_owned(), IndexedValueType::Keyword.into()))
            .collect(),
    };
    match operator.add_search_attributes(Request::new(add)).await {
        // Another worker was quicker.
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        other => other.map(drop).map_err(refused),
    }
}

/// Makes the schedule, or brings the one that an older release made up to date. What operators change, such as a
/// pause, stays.
async fn prepare_schedule(temporal: &Temporal, own: Own) -> Result<(), TemporalError> {
    let client = temporal.client().await?;
    let options = CreateScheduleOptions::builder()
        .action(own.action.clone())
        .spec(ScheduleSpec::from_interval(own.every))
        .overlap_policy(ScheduleOverlapPolicy::Skip)
        .note(own.note.to_owned())
        .build();
    match client.create_schedule(own.id, options).await {
        Ok(_) => {}
        Err(error) if already_exists(&error) => {}
        Err(error) => return Err(refused(error)),
    }
    // The catch-up window cannot be given when a schedule is made, so a new one takes this way, too.
    let handle = client.get_schedule_handle(own.id);
    let description = handle.describe(RpcOptions::default()).await.map_err(refused)?;
    if description.raw().schedule.as_ref().is_some_and(|schedule| own.is_kept_by(schedule)) {
        return Ok(());
    }
    tracing::info!("bringing the schedule {} up to date", own.id);
    let mut update = description.into_update();
    update
        .set_action(own.action)
        .set_spec(ScheduleSpec::from_interval(own.every))
        .set_overlap_policy(ScheduleOverlapPolicy::Skip)
        .set_catchup_window(own.catchup);
    // Workers that do so at once all write the same.
    handle.send_update(update, RpcOptions::default()).await.map_err(refused)
}

impl Own {
    /// Whether a schedule is as [`prepare_schedule`] makes it.
    pub(super) fn is_kept_by(&self, schedule: &Schedule) -> bool {
        let caught_up = schedule.policies.as_ref().is_some_and(|policies| {
            policies.overlap_policy() == OverlapPolicy::Skip
                && policies.catchup_window.is_some_and(|window| Duration::try_from(window) == Ok(self.catchup))
        });
        let timed = schedule.spec.as_ref().is_some_and(|spec| {
            // The server fills in what was left out: compared is what would make it run at other times.
            let only_intervals =
                spec.structured_calendar.is_empty() && spec.cron_string.is_empty() && spec.end_time.is_none();
            let interval = |every: &IntervalSpec| every.interval.and_then(|every| Duration::try_from(every).ok());
            only_intervals && spec.interval.iter().map(interval).eq([Some(self.every)])
        });
        let action = schedule.action.as_ref().and_then(|action| action.action.as_ref());
        let Some(Action::StartWorkflow(start)) = action else { return false };
        caught_up
            && timed
            && start.workflow_id == self.workflow
            && start.workflow_type.as_ref().is_some_and(|kind| kind.name == self.kind)
            && start.task_queue.as_ref().is_some_and(|queue| queue.name == names::CONTROL_QUEUE)
    }
}

fn already_exists(error: &ScheduleError) -> bool {
    matches!(error, ScheduleError::Rpc(status) if status.code() == Code::AlreadyExists)
}

fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TemporalError {
    TemporalError::Refused(error.into())
}
