use std::time::{Duration, Instant};

use muster_workflows::{Ping, names, policy};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use tokio::time::timeout;
use uuid::Uuid;

use super::{Temporal, TemporalError};

/// How long a workflow that does nothing may take before nobody seems to serve it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a workflow that does nothing, and says how long it took from its start to its result.
///
/// # Errors
/// When Temporal cannot be reached, or no worker takes the workflow.
#[expect(clippy::disallowed_methods, reason = "a ping is not an operation: its id is thrown away")]
pub async fn ping_workers(temporal: &Temporal) -> Result<Duration, TemporalError> {
    let client = temporal.client().await?;
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| TemporalError::Refused(error);
    let id = names::ping_workflow(Uuid::now_v7());
    let begun = Instant::now();
    let options = WorkflowStartOptions::new(names::CONTROL_QUEUE, id).task_timeout(policy::WORKFLOW_TASK).build();
    let handle = client.start_workflow(Ping::run, (), options).await.map_err(|error| refused(error.into()))?;
    let result = timeout(PATIENCE, handle.get_result(WorkflowGetResultOptions::default())).await;
    result.map_err(|_| TemporalError::Timeout(PATIENCE))?.map_err(|error| refused(error.into()))?;
    Ok(begun.elapsed())
}
