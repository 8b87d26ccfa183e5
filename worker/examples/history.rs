//! Prints the history of a workflow run in the form that the replay test reads: `history WORKFLOW_ID RUN_ID`, with
//! `TEMPORAL_ADDRESS` in the environment. Not the form of `temporal workflow show`, which the SDK cannot read.

use anyhow::Context as _;
use muster_bootstrap::{PayloadKeys, Temporal, TemporalAccess, TemporalOptions};
use temporalio_client::{WorkflowExecutionInfo, WorkflowFetchHistoryOptions};

const NAMESPACE: &str = "default";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let workflow_id = arguments.next().context("which workflow?")?;
    let run_id = arguments.next().context("which run of it?")?;
    let temporal = Temporal::new(TemporalOptions {
        address: std::env::var("TEMPORAL_ADDRESS").context("TEMPORAL_ADDRESS is required")?,
        namespace: NAMESPACE.to_owned(),
        access: TemporalAccess::default(),
        identity: "history".to_owned(),
        // Histories are recorded from workers without keys, so that they can be looked at.
        keys: PayloadKeys::default(),
    })?;
    let run = WorkflowExecutionInfo::builder().namespace(NAMESPACE).workflow_id(workflow_id).run_id(run_id).build();
    let handle = run.bind_untyped(temporal.client().await?);
    let history = handle.fetch_history(WorkflowFetchHistoryOptions::builder().build()).to_json().await?;
    let history: serde_json::Value = serde_json::from_slice(&history)?;
    println!("{}", serde_json::to_string_pretty(&history)?);
    Ok(())
}
