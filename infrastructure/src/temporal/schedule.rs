use muster_workflows::{Sweep, names, policy};
use temporalio_client::RpcOptions;
use temporalio_client::schedules::{
    CreateScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec,
};
use temporalio_client::tonic::{Code, Request};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::{
    AddSearchAttributesRequest, ListSearchAttributesRequest,
};

use super::{Temporal, TemporalError};

/// Makes what the namespace needs and does not have: our search attributes and the sweeper's schedule. Safe to repeat.
///
/// # Errors
/// When the server cannot be reached, or refuses.
pub async fn prepare_namespace(temporal: &Temporal, namespace: &str) -> Result<(), TemporalError> {
    add_search_attributes(temporal, namespace).await?;
    create_sweeper(temporal).await
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

async fn create_sweeper(temporal: &Temporal) -> Result<(), TemporalError> {
    let client = temporal.client().await?;
    let action = ScheduleAction::start_workflow(Sweep::run, (), names::CONTROL_QUEUE, names::SWEEPER_WORKFLOW);
    let options = CreateScheduleOptions::builder()
        .action(action)
        .spec(ScheduleSpec::from_interval(policy::SWEEP_EVERY))
        .overlap_policy(ScheduleOverlapPolicy::Skip)
        .note("Looks after what crashes and outages leave behind".to_owned())
        .build();
    match client.create_schedule(names::SWEEPER_SCHEDULE, options).await {
        Ok(handle) => {
            // After an outage one sweep does the work of all that were missed.
            let update = handle.update(
                |update| {
                    update.set_catchup_window(policy::SWEEP_CATCHUP);
                },
                RpcOptions::default(),
            );
            update.await.map_err(refused)
        }
        Err(error) if already_exists(&error) => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

fn already_exists(error: &ScheduleError) -> bool {
    matches!(error, ScheduleError::Rpc(status) if status.code() == Code::AlreadyExists)
}

fn refused(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> TemporalError {
    TemporalError::Refused(error.into())
}
