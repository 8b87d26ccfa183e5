use std::collections::HashMap;

use muster_workflows::names;
use temporalio_client::tonic::{Code, Request, Status};
use temporalio_client::{Client, RpcOptions, schedules::ScheduleError};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::ListSearchAttributesRequest;
use temporalio_common::protos::temporal::api::workflowservice::v1::{DescribeNamespaceRequest, GetSystemInfoRequest};

use super::Temporal;
use super::schedule::{Own, reminders, sweeper};
use crate::check::{Finding, root};

const SERVER: &str = "temporal";
const NAMESPACE: &str = "temporal namespace";
const ATTRIBUTES: &str = "temporal search attributes";
const SWEEPER: &str = "temporal schedule of the sweeper";
const REMINDERS: &str = "temporal schedule of reminders";

/// Looks at Temporal: whether it answers, and whether the namespace has what workflows need. Whether it shares fairly
/// between tenants cannot be asked.
pub async fn check(temporal: &Temporal, address: &str, namespace: &str) -> Vec<Finding> {
    let skip = |names: &[&'static str], why: &str| -> Vec<_> {
        names.iter().map(|name| Finding::skipped(name, why)).collect()
    };
    let unreachable = |error: &(dyn std::error::Error + 'static)| {
        let wrong = format!("no answer from {address}: {}", root(error));
        let mend = "start Temporal, or set TEMPORAL_ADDRESS to host and port of its frontend, and TEMPORAL_TLS to whether it \
                    speaks TLS";
        let rest = skip(&[NAMESPACE, ATTRIBUTES, SWEEPER, REMINDERS], "Temporal cannot be asked");
        [Finding::bad(SERVER, wrong, mend)].into_iter().chain(rest).collect()
    };
    let client = match temporal.client().await {
        Ok(client) => client,
        Err(error) => return unreachable(&error),
    };
    let mut service = client.connection().workflow_service();
    let info = match service.get_system_info(Request::new(GetSystemInfoRequest::default())).await {
        Ok(info) => info.into_inner(),
        Err(status) => return unreachable(&status),
    };
    let mut findings = vec![Finding::good(SERVER, format!("Temporal {} at {address}", info.server_version))];
    let describe = DescribeNamespaceRequest { namespace: namespace.to_owned(), ..DescribeNamespaceRequest::default() };
    if let Err(status) = service.describe_namespace(Request::new(describe)).await {
        findings.push(no_namespace(namespace, &status));
        findings.extend(skip(&[ATTRIBUTES, SWEEPER, REMINDERS], "the namespace cannot be asked"));
        return findings;
    }
    findings.push(Finding::good(NAMESPACE, format!("\"{namespace}\" is there")));
    findings.push(attributes(&client, namespace).await);
    findings.push(schedule(&client, namespace, SWEEPER, &sweeper()).await);
    findings.push(schedule(&client, namespace, REMINDERS, &reminders()).await);
    findings
}

fn no_namespace(namespace: &str, status: &Status) -> Finding {
    if status.code() != Code::NotFound {
        let mend = "let the service describe its namespace, or look into the log of Temporal";
        return Finding::bad(NAMESPACE, format!("Temporal refuses: {}", status.message()), mend);
    }
    let mend = format!("run `temporal operator namespace create --namespace {namespace}`, or mend TEMPORAL_NAMESPACE");
    Finding::bad(NAMESPACE, format!("there is no namespace \"{namespace}\""), mend)
}

async fn attributes(client: &Client, namespace: &str) -> Finding {
    let list = ListSearchAttributesRequest { namespace: namespace.to_owned() };
    match client.connection().operator_service().list_search_attributes(Request::new(list)).await {
        Ok(known) => judge(&known.into_inner().custom_attributes, namespace),
        Err(status) => {
            let mend = "let the service list search attributes, or ask the operator of Temporal for them";
            Finding::bad(ATTRIBUTES, format!("Temporal refuses: {}", status.message()), mend)
        }
    }
}

fn judge(known: &HashMap<String, i32>, namespace: &str) -> Finding {
    let keyword = i32::from(IndexedValueType::Keyword);
    let wrong = names::SEARCH_ATTRIBUTES.iter().find(|name| known.get(**name).is_some_and(|kind| *kind != keyword));
    if let Some(name) = wrong {
        let mend = format!(
            "remove it (`temporal operator search-attribute remove --namespace {namespace} --name {name}`) and start a \
             worker, which makes it anew"
        );
        return Finding::bad(ATTRIBUTES, format!("{name} is no keyword"), mend);
    }
    let missing: Vec<_> = names::SEARCH_ATTRIBUTES.into_iter().filter(|name| !known.contains_key(*name)).collect();
    let Some(first) = missing.first() else {
        return Finding::good(ATTRIBUTES, format!("{} are there", names::SEARCH_ATTRIBUTES.join(", ")));
    };
    let mend = format!(
        "start a worker, which adds them, or for each of them run `temporal operator search-attribute create --namespace \
         {namespace} --name {first} --type Keyword`"
    );
    Finding::bad(ATTRIBUTES, format!("{} are missing", missing.join(", ")), mend)
}

async fn schedule(client: &Client, namespace: &str, name: &'static str, own: &Own) -> Finding {
    let id = own.id;
    let description = match client.get_schedule_handle(id).describe(RpcOptions::default()).await {
        Ok(description) => description,
        Err(ScheduleError::Rpc(status)) if status.code() == Code::NotFound => {
            let mend = "start a worker, which makes it (`worker`, with the connection allowed to make schedules)";
            return Finding::bad(name, format!("there is no schedule {id}"), mend);
        }
        Err(error) => {
            let mend = "let the service describe schedules, or look into the log of Temporal";
            return Finding::bad(name, format!("Temporal refuses: {}", root(&error)), mend);
        }
    };
    let Some(schedule) = description.raw().schedule.as_ref() else {
        return Finding::bad(
            name,
            format!("{id} has nothing in it"),
            "delete it and start a worker, which makes it anew",
        );
    };
    if schedule.state.as_ref().is_some_and(|state| state.paused) {
        let mend = format!("run `temporal schedule toggle --unpause --schedule-id {id} --namespace {namespace}`");
        return Finding::bad(name, format!("{id} is paused: nothing of it is done"), mend);
    }
    if !own.is_kept_by(schedule) {
        let mend = "start a worker of this release, which brings it up to date";
        return Finding::bad(name, format!("{id} is not as this release makes it"), mend);
    }
    Finding::good(name, format!("{id} runs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;

    #[test]
    fn a_search_attribute_must_be_there_and_a_keyword() {
        let all = |kind: IndexedValueType| -> HashMap<String, i32> {
            names::SEARCH_ATTRIBUTES.into_iter().map(|name| (name.to_owned(), kind.into())).collect()
        };
        let mut known = all(IndexedValueType::Keyword);
        assert!(matches!(judge(&known, "x").verdict, Verdict::Good(_)));
        known.remove("MusterKind");
        let Verdict::Bad { wrong, mend } = judge(&known, "x").verdict else { panic!("it is missing") };
        assert_eq!(wrong, "MusterKind are missing");
        assert!(mend.contains("--namespace x --name MusterKind --type Keyword"), "{mend}");
        known.insert("MusterKind".to_owned(), IndexedValueType::Text.into());
        let Verdict::Bad { wrong, mend } = judge(&known, "x").verdict else { panic!("it is a text") };
        assert!(wrong.contains("MusterKind is no keyword") && mend.contains("search-attribute remove"), "{mend}");
    }
}
