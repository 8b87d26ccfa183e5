//! Inputs of schedules, which lie at the server for as long as a schedule does: longer than any history, and so longer than a
//! key that was replaced.

use muster_workflows::names;
use temporalio_client::tonic::{Code, Request, Status};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::schedule::v1::Schedule;
use temporalio_common::protos::temporal::api::schedule::v1::schedule_action::Action;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeScheduleRequest, ListSchedulesRequest, UpdateScheduleRequest,
};

use super::{CodecError, PayloadKeys, Temporal, TemporalError};

/// Schedules in one answer of the server.
const PAGE: i32 = 100;
/// How often somebody else may be quicker with a change.
const ATTEMPTS: u32 = 3;

/// Encrypts the inputs of all our schedules with the key that encrypts now, whatever they were encrypted with before. Gives how
/// many it changed; none without keys. Safe to repeat, and for several workers at once.
///
/// # Errors
/// When the server cannot be reached or refuses, or an input is of a key that is not there.
pub async fn reseal_schedules(temporal: &Temporal) -> Result<usize, TemporalError> {
    let keys = temporal.keys();
    if keys.is_empty() {
        return Ok(0);
    }
    let client = temporal.client().await?;
    let mut service = client.connection().workflow_service();
    let (mut changed, mut next_page_token) = (0, Vec::new());
    loop {
        let list = ListSchedulesRequest {
            namespace: client.namespace(),
            maximum_page_size: PAGE,
            next_page_token,
            ..ListSchedulesRequest::default()
        };
        let page = service.list_schedules(Request::new(list)).await.map_err(refused)?.into_inner();
        for entry in page.schedules.into_iter().filter(|entry| names::is_schedule(&entry.schedule_id)) {
            changed += usize::from(reseal(&client, keys, entry.schedule_id).await?);
        }
        next_page_token = page.next_page_token;
        if next_page_token.is_empty() {
            return Ok(changed);
        }
    }
}

/// Whether there was something to do.
async fn reseal(client: &Client, keys: &PayloadKeys, id: String) -> Result<bool, TemporalError> {
    let mut service = client.connection().workflow_service();
    for _ in 0..ATTEMPTS {
        let describe = DescribeScheduleRequest { namespace: client.namespace(), schedule_id: id.clone() };
        let known = match service.describe_schedule(Request::new(describe)).await {
            // Removed since it was listed.
            Err(status) if status.code() == Code::NotFound => return Ok(false),
            other => other.map_err(refused)?.into_inner(),
        };
        let Some(mut schedule) = known.schedule else { return Ok(false) };
        if !resealed(&mut schedule, keys).map_err(|error| TemporalError::Refused(error.into()))? {
            return Ok(false);
        }
        let update = UpdateScheduleRequest {
            namespace: client.namespace(),
            schedule_id: id.clone(),
            schedule: Some(schedule),
            conflict_token: known.conflict_token,
            identity: client.identity(),
            ..UpdateScheduleRequest::default()
        };
        match service.update_schedule(Request::new(update)).await {
            // Changed since it was read.
            Err(status) if status.code() == Code::FailedPrecondition => {}
            Err(status) if status.code() == Code::NotFound => return Ok(false),
            other => return other.map(|_| true).map_err(refused),
        }
    }
    Err(refused(Status::aborted("others go on changing a schedule")))
}

/// Whether an input was of another key, or of none.
fn resealed(schedule: &mut Schedule, keys: &PayloadKeys) -> Result<bool, CodecError> {
    let action = schedule.action.as_mut().and_then(|action| action.action.as_mut());
    let Some(Action::StartWorkflow(start)) = action else { return Ok(false) };
    let inputs = start.input.iter_mut().flat_map(|input| &mut input.payloads);
    let mut former: Vec<&mut Payload> = inputs.filter(|payload| !keys.is_current(payload)).collect();
    for payload in &mut former {
        let clear = keys.open(std::mem::take(*payload))?;
        **payload = keys.seal(&clear)?;
    }
    Ok(!former.is_empty())
}

fn refused(status: Status) -> TemporalError {
    TemporalError::Refused(status.into())
}
