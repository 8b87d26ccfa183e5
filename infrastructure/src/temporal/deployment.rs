use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use temporalio_client::tonic::{self, Code, Request};
use temporalio_common::protos::temporal::api::enums::v1::WorkerDeploymentVersionStatus as Status;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkerDeploymentRequest, DescribeWorkerDeploymentResponse, DescribeWorkerDeploymentVersionRequest,
    DescribeWorkerDeploymentVersionResponse, SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
};

use super::connect::{PATIENT, asked, instant};
use super::queues::backlog;
use super::{Backlog, TaskKind, Temporal, TemporalError};

/// How long a promotion may take: the server tells all task queues of it.
const PROMOTION: Duration = Duration::from_secs(20);

/// The releases of a worker deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// What it is called.
    pub name: String,
    /// What share of new workflows the ramping release gets, in percent.
    pub ramp_percent: f32,
    /// Those that Temporal knows, the newest first.
    pub versions: Vec<Version>,
}

/// A release of the workers.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// What it is called.
    pub build_id: String,
    /// What becomes of it.
    pub state: VersionState,
    /// Since when it is so; for a release that got no workflow yet, when its first worker came.
    pub since: Option<DateTime<Utc>>,
    /// What its workers have ever asked for, and what waits for them.
    pub queues: Vec<(String, TaskKind, Backlog)>,
}

/// What becomes of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// Gets no workflows yet.
    Inactive,
    /// Gets new workflows.
    Current,
    /// Gets a share of the new workflows.
    Ramping,
    /// Gets no new workflows; some that began on it still run.
    Draining,
    /// Nothing runs on it: its workers may go.
    Drained,
}

impl Deployment {
    /// Task queues that the current release serves and this one does not, as text; empty if there are none, or if Temporal
    /// does not know this release.
    fn missing(&self, build_id: &str) -> String {
        let Some(new) = self.versions.iter().find(|version| version.build_id == build_id) else { return String::new() };
        let current = self.versions.iter().filter(|version| version.state == VersionState::Current);
        let has = |(name, kind, _): &&(String, TaskKind, Backlog)| {
            new.queues.iter().any(|(known, of, _)| (known, of) == (name, kind))
        };
        let queues = current.flat_map(|version| &version.queues);
        let missing: BTreeSet<&str> = queues.filter(|queue| !has(queue)).map(|(name, ..)| name.as_str()).collect();
        missing.into_iter().collect::<Vec<_>>().join(", ")
    }
}

impl VersionState {
    /// For people and scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Current => "current",
            Self::Ramping => "ramping",
            Self::Draining => "draining",
            Self::Drained => "drained",
        }
    }
}

/// How new workflows are to be given to a release.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'a> {
    /// Of which worker deployment.
    pub deployment: &'a str,
    /// Which release.
    pub build_id: &'a str,
    /// The share of new workflows in percent; all of them, for good, unless given.
    pub ramp_percent: Option<f32>,
    /// Also if it does not serve every task queue that the current release serves, or none at all.
    pub force: bool,
}

/// Why a release was not promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// No worker of it was ever seen.
    #[error("no worker of this release has asked for work yet: start some, and try again in a few seconds")]
    Unknown(#[source] Box<tonic::Status>),
    /// It would leave work undone.
    #[error("its workers do not serve {0}, and those of the current release do: start some that do, or use --force")]
    Missing(String),
    /// It would leave work undone in a way that Temporal alone knows of, or somebody else has changed the deployment.
    #[error("Temporal did not promote it ({}): start workers of this release for all task queues, or use --force", .0.message())]
    Refused(Box<tonic::Status>),
    /// Temporal cannot be asked.
    #[error(transparent)]
    Temporal(#[from] TemporalError),
}

/// The releases of a worker deployment; none if no worker of it was ever seen.
///
/// # Errors
/// When Temporal cannot be reached, or refuses.
pub async fn deployment(temporal: &Temporal, name: &str) -> Result<Option<Deployment>, TemporalError> {
    let answer = match describe(temporal, name).await {
        Err(error) if is(&error, Code::NotFound) => return Ok(None),
        answer => answer?,
    };
    let info = answer.worker_deployment_info.unwrap_or_default();
    let mut service = temporal.client().await?.connection().workflow_service();
    let mut versions = Vec::new();
    for summary in info.version_summaries {
        let state = match summary.status() {
            Status::Current => VersionState::Current,
            Status::Ramping => VersionState::Ramping,
            Status::Draining => VersionState::Draining,
            Status::Drained => VersionState::Drained,
            Status::Unspecified | Status::Inactive | Status::Created => VersionState::Inactive,
        };
        let since = match state {
            VersionState::Current => summary.current_since_time,
            VersionState::Ramping => summary.ramping_since_time,
            VersionState::Draining | VersionState::Drained => {
                summary.drainage_info.and_then(|info| info.last_changed_time)
            }
            VersionState::Inactive => summary.create_time,
        };
        let Some(version) = summary.deployment_version else { continue };
        let build_id = version.build_id.clone();
        let request = DescribeWorkerDeploymentVersionRequest {
            namespace: temporal.namespace().to_owned(),
            deployment_version: Some(version),
            report_task_queue_stats: true,
            ..DescribeWorkerDeploymentVersionRequest::default()
        };
        let answer = match asked(PATIENT, service.describe_worker_deployment_version(Request::new(request))).await {
            // Its first worker has just come, and not all of its task queues are known everywhere.
            Err(error) if is(&error, Code::NotFound) => DescribeWorkerDeploymentVersionResponse::default(),
            answer => answer?,
        };
        let queues = answer.version_task_queues.into_iter().filter_map(|queue| {
            let kind = TaskKind::of(queue.r#type())?;
            Some((queue.name, kind, backlog(queue.stats)))
        });
        versions.push(Version {
            build_id,
            state,
            since: since.and_then(|time| instant(time.seconds, time.nanos)),
            queues: queues.collect(),
        });
    }
    let ramp_percent = info.routing_config.map_or(0.0, |routing| routing.ramping_version_percentage);
    Ok(Some(Deployment { name: info.name, ramp_percent, versions }))
}

/// Gives new workflows to a release, or a share of them. Nobody else must have changed the deployment meanwhile.
///
/// # Errors
/// When the release does not serve what the current one serves, or Temporal cannot be asked.
pub async fn promote(temporal: &Temporal, promotion: Promotion<'_>) -> Result<(), PromoteError> {
    let Promotion { deployment, build_id, ramp_percent, force } = promotion;
    let conflict_token = describe(temporal, deployment).await.map_err(refused)?.conflict_token;
    if !force {
        // Temporal refuses only what would leave work undone at this moment.
        let missing = self::deployment(temporal, deployment).await?.map(|known| known.missing(build_id));
        if let Some(missing) = missing.filter(|missing| !missing.is_empty()) {
            return Err(PromoteError::Missing(missing));
        }
    }
    let mut service = temporal.client().await?.connection().workflow_service();
    let (namespace, identity) = (temporal.namespace().to_owned(), temporal.identity().to_owned());
    let (deployment_name, build_id) = (deployment.to_owned(), build_id.to_owned());
    let done = match ramp_percent {
        None => {
            let request = SetWorkerDeploymentCurrentVersionRequest {
                namespace,
                deployment_name,
                build_id,
                conflict_token,
                identity,
                ignore_missing_task_queues: force,
                allow_no_pollers: force,
                ..SetWorkerDeploymentCurrentVersionRequest::default()
            };
            asked(PROMOTION, service.set_worker_deployment_current_version(Request::new(request))).await.map(drop)
        }
        Some(percentage) => {
            let request = SetWorkerDeploymentRampingVersionRequest {
                namespace,
                deployment_name,
                build_id,
                percentage,
                conflict_token,
                identity,
                ignore_missing_task_queues: force,
                allow_no_pollers: force,
                ..SetWorkerDeploymentRampingVersionRequest::default()
            };
            asked(PROMOTION, service.set_worker_deployment_ramping_version(Request::new(request))).await.map(drop)
        }
    };
    done.map_err(refused)
}

async fn describe(temporal: &Temporal, name: &str) -> Result<DescribeWorkerDeploymentResponse, TemporalError> {
    let request = DescribeWorkerDeploymentRequest {
        namespace: temporal.namespace().to_owned(),
        deployment_name: name.to_owned(),
    };
    let mut service = temporal.client().await?.connection().workflow_service();
    asked(PATIENT, service.describe_worker_deployment(Request::new(request))).await
}

fn is(error: &TemporalError, code: Code) -> bool {
    let TemporalError::Refused(source) = error else { return false };
    source.downcast_ref::<tonic::Status>().is_some_and(|status| status.code() == code)
}

fn refused(error: TemporalError) -> PromoteError {
    let TemporalError::Refused(source) = error else { return error.into() };
    match source.downcast::<tonic::Status>() {
        Ok(status) if status.code() == Code::NotFound => PromoteError::Unknown(status),
        Ok(status) if status.code() == Code::FailedPrecondition => PromoteError::Refused(status),
        Ok(status) => TemporalError::Refused(status).into(),
        Err(source) => TemporalError::Refused(source).into(),
    }
}
