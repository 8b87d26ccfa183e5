//! Schedules of tenants at the server. Spoken to in its own messages: the client of the SDK gives the runs of a schedule
//! neither search attributes nor a fairness key.

use muster_application::ports::PutSchedule;
use muster_domain::{ScheduleId, TenantId};
use muster_workflows::contract::schedules::RunScheduleInput;
use muster_workflows::{RunSchedule, names, policy};
use temporalio_client::tonic::{Code, Request, Status};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::WorkflowDefinition;
use temporalio_common::protos::coresdk::AsJsonPayloadExt;
use temporalio_common::protos::temporal::api::common::v1::{Payloads, Priority, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::ScheduleOverlapPolicy;
use temporalio_common::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common::protos::temporal::api::schedule::v1::{
    Schedule, ScheduleAction, SchedulePolicies, ScheduleSpec, ScheduleState,
};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflow::v1::NewWorkflowExecutionInfo;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CreateScheduleRequest, DeleteScheduleRequest, DescribeScheduleRequest, UpdateScheduleRequest,
};
use temporalio_common::search_attributes::SearchAttributes;

use super::{PayloadKeys, TemporalError};

/// How often somebody else may be quicker with a change before it is left to the sweeper.
const ATTEMPTS: u32 = 3;
/// What stands in front of the revision in the note of a schedule.
const REVISION: &str = "revision ";

/// Makes the schedule, or changes it, unless it is of a later revision.
pub(super) async fn put(client: &Client, keys: &PayloadKeys, put: &PutSchedule) -> Result<(), TemporalError> {
    let id = names::schedule(put.tenant.get(), put.schedule.get());
    let schedule = schedule(keys, put)?;
    let mut service = client.connection().workflow_service();
    // The same for each repeat, which then changes nothing.
    let request_id = format!("{}/{}", put.schedule, put.revision);
    let create = CreateScheduleRequest {
        namespace: client.namespace(),
        schedule_id: id.clone(),
        schedule: Some(schedule.clone()),
        identity: client.identity(),
        request_id: request_id.clone(),
        ..CreateScheduleRequest::default()
    };
    match service.create_schedule(Request::new(create)).await {
        Ok(_) => return Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => {}
        Err(status) => return Err(refused(status)),
    }
    for _ in 0..ATTEMPTS {
        let describe = DescribeScheduleRequest { namespace: client.namespace(), schedule_id: id.clone() };
        let known = service.describe_schedule(Request::new(describe)).await.map_err(refused)?.into_inner();
        if known.schedule.as_ref().is_some_and(|known| revision(known) >= put.revision) {
            return Ok(());
        }
        let update = UpdateScheduleRequest {
            namespace: client.namespace(),
            schedule_id: id.clone(),
            schedule: Some(schedule.clone()),
            conflict_token: known.conflict_token,
            identity: client.identity(),
            request_id: request_id.clone(),
            ..UpdateScheduleRequest::default()
        };
        match service.update_schedule(Request::new(update)).await {
            // Changed since it was read: by whom, the next look tells.
            Err(status) if status.code() == Code::FailedPrecondition => {}
            other => return other.map(drop).map_err(refused),
        }
    }
    Err(refused(Status::aborted("others go on changing this schedule")))
}

/// Removes the schedule, if it is there.
pub(super) async fn remove(client: &Client, tenant: TenantId, schedule: ScheduleId) -> Result<(), TemporalError> {
    let remove = DeleteScheduleRequest {
        namespace: client.namespace(),
        schedule_id: names::schedule(tenant.get(), schedule.get()),
        identity: client.identity(),
    };
    match client.connection().workflow_service().delete_schedule(Request::new(remove)).await {
        Err(status) if status.code() == Code::NotFound => Ok(()),
        other => other.map(drop).map_err(refused),
    }
}

fn schedule(keys: &PayloadKeys, put: &PutSchedule) -> Result<Schedule, TemporalError> {
    let (tenant_id, schedule_id) = (put.tenant.get(), put.schedule.get());
    let input = RunScheduleInput { tenant_id, schedule_id, triggered: false };
    let input = input.as_json_payload().map_err(|error| TemporalError::Refused(error.into()))?;
    let input = keys.seal(&input).map_err(|error| TemporalError::Refused(error.into()))?;
    let attributes = SearchAttributes::new([
        names::TENANT.value_set(tenant_id.to_string()),
        names::KIND.value_set("schedule".to_owned()),
        names::STATE.value_set("running".to_owned()),
    ]);
    let start = NewWorkflowExecutionInfo {
        workflow_id: names::schedule_runs(tenant_id, schedule_id),
        workflow_type: Some(WorkflowType { name: RunSchedule::run.name().to_owned() }),
        task_queue: Some(TaskQueue { name: names::CONTROL_QUEUE.to_owned(), ..TaskQueue::default() }),
        input: Some(Payloads { payloads: vec![input] }),
        workflow_task_timeout: policy::WORKFLOW_TASK.try_into().ok(),
        search_attributes: Some(attributes.into_proto()),
        priority: Some(Priority { fairness_key: tenant_id.to_string(), ..Priority::default() }),
        ..NewWorkflowExecutionInfo::default()
    };
    Ok(Schedule {
        spec: Some(ScheduleSpec {
            cron_string: vec![put.cadence.cron().to_owned()],
            timezone_name: put.cadence.time_zone().to_owned(),
            ..ScheduleSpec::default()
        }),
        action: Some(ScheduleAction { action: Some(Action::StartWorkflow(start)) }),
        policies: Some(SchedulePolicies {
            overlap_policy: ScheduleOverlapPolicy::Skip.into(),
            catchup_window: policy::SCHEDULE_CATCHUP.try_into().ok(),
            ..SchedulePolicies::default()
        }),
        state: Some(ScheduleState {
            notes: format!("{REVISION}{}", put.revision),
            paused: put.paused,
            ..ScheduleState::default()
        }),
    })
}

/// The revision that the server has; 0 if somebody has written a note of theirs.
fn revision(known: &Schedule) -> u64 {
    let notes = known.state.as_ref().and_then(|state| state.notes.strip_prefix(REVISION));
    notes.and_then(|revision| revision.parse().ok()).unwrap_or_default()
}

fn refused(status: Status) -> TemporalError {
    TemporalError::Refused(status.into())
}
