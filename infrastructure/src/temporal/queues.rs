use std::time::Duration;

use chrono::{DateTime, Utc};
use muster_workflows::names;
use temporalio_client::tonic::Request;
use temporalio_common::protos::temporal::api::enums::v1::{RateLimitSource, TaskQueueType};
use temporalio_common::protos::temporal::api::taskqueue::v1::{PollerInfo, TaskQueue, TaskQueueStats};
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeTaskQueueRequest;

use super::connect::{PATIENT, asked, instant};
use super::{Temporal, TemporalError};

/// What is waited for on a task queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Decisions of workflows.
    Workflow,
    /// Work.
    Activity,
}

impl TaskKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Workflow, Self::Activity];

    /// For people and scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Activity => "activity",
        }
    }

    const fn code(self) -> TaskQueueType {
        match self {
            Self::Workflow => TaskQueueType::Workflow,
            Self::Activity => TaskQueueType::Activity,
        }
    }

    pub(super) fn of(code: TaskQueueType) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// A worker that has asked a task queue for work in the last minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poller {
    /// What it calls itself.
    pub identity: String,
    /// When it asked last. One that is busy in all slots does not ask.
    pub last_seen: Option<DateTime<Utc>>,
    /// Its worker deployment, if Temporal is to tell releases apart.
    pub deployment: Option<String>,
    /// Its release.
    pub build_id: String,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Backlog {
    /// About so many tasks.
    pub tasks: u64,
    /// How long the oldest of them has waited.
    pub age: Duration,
    /// How many came in a second, on average over the last half minute.
    pub added_per_second: f32,
    /// How many were handed out in a second.
    pub dispatched_per_second: f32,
}

/// One kind of task on one task queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueState {
    /// The queue.
    pub queue: &'static str,
    /// What is waited for.
    pub kind: TaskKind,
    /// Who has asked for it in the last minutes.
    pub pollers: Vec<Poller>,
    /// What waits, whatever release it waits for.
    pub backlog: Backlog,
    /// The most that is handed out in a second, if workers or operators have set one.
    pub limit_per_second: Option<f32>,
    /// The worker deployment that gets what is new, if there is one.
    pub deployment: Option<String>,
}

/// How our task queues are.
///
/// # Errors
/// When Temporal cannot be reached, or refuses.
pub async fn queues(temporal: &Temporal) -> Result<Vec<QueueState>, TemporalError> {
    let mut states = Vec::new();
    for queue in names::QUEUES {
        for kind in TaskKind::ALL {
            states.push(describe(temporal, queue, kind).await?);
        }
    }
    Ok(states)
}

async fn describe(temporal: &Temporal, queue: &'static str, kind: TaskKind) -> Result<QueueState, TemporalError> {
    let request = DescribeTaskQueueRequest {
        namespace: temporal.namespace().to_owned(),
        task_queue: Some(TaskQueue { name: queue.to_owned(), ..TaskQueue::default() }),
        task_queue_type: kind.code().into(),
        report_stats: true,
        ..DescribeTaskQueueRequest::default()
    };
    let mut service = temporal.client().await?.connection().workflow_service();
    let answer = asked(PATIENT, service.describe_task_queue(Request::new(request))).await?;
    let limit = answer
        .effective_rate_limit
        .filter(|limit| matches!(limit.rate_limit_source(), RateLimitSource::Api | RateLimitSource::Worker));
    let current = answer.versioning_info.and_then(|info| info.current_deployment_version);
    Ok(QueueState {
        queue,
        kind,
        pollers: answer.pollers.into_iter().map(poller).collect(),
        backlog: backlog(answer.stats),
        limit_per_second: limit.map(|limit| limit.requests_per_second),
        deployment: current.map(|version| version.deployment_name).filter(|name| !name.is_empty()),
    })
}

fn poller(info: PollerInfo) -> Poller {
    let options = info.deployment_options.unwrap_or_default();
    Poller {
        identity: info.identity,
        last_seen: info.last_access_time.and_then(|time| instant(time.seconds, time.nanos)),
        deployment: Some(options.deployment_name).filter(|name| !name.is_empty()),
        build_id: options.build_id,
    }
}

pub(super) fn backlog(stats: Option<TaskQueueStats>) -> Backlog {
    let Some(stats) = stats else { return Backlog::default() };
    Backlog {
        tasks: stats.approximate_backlog_count.try_into().unwrap_or_default(),
        age: stats.approximate_backlog_age.and_then(|age| age.try_into().ok()).unwrap_or_default(),
        added_per_second: stats.tasks_add_rate,
        dispatched_per_second: stats.tasks_dispatch_rate,
    }
}
