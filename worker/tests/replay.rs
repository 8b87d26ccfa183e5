//! Histories that were recorded from running workflows must replay with today's code: a change that breaks one
//! would strand what runs in production. Record new ones with `cargo xtask histories` and keep the old ones.

use std::path::Path;

use muster_bootstrap::{PayloadKeys, data_converter};
use muster_workflows::{
    DeliverWebhook, Ping, ProcessPartnerEvent, RunOperation, RunSchedule, SendDueReminders, SendReminders,
    SendWelcomeBatch, SendWelcomeMails, Sweep,
};
use temporalio_client::WorkflowHistory;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};

const KINDS: [&str; 10] = [
    "DeliverWebhook",
    "ProcessPartnerEvent",
    "RunOperation",
    "RunSchedule",
    "SendDueReminders",
    "SendReminders",
    "SendWelcomeBatch",
    "SendWelcomeMails",
    "Sweep",
    "Ping",
];

/// Without keys for payloads, and where keys were switched on since.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_history_replays() {
    let keys = PayloadKeys::new([("a".to_owned(), [1; PayloadKeys::BYTES])]).unwrap();
    let mut options = WorkflowReplayerOptions::new()
        .register_workflow::<RunOperation>()
        .unwrap()
        .register_workflow::<SendWelcomeMails>()
        .unwrap()
        .register_workflow::<SendWelcomeBatch>()
        .unwrap()
        .register_workflow::<SendDueReminders>()
        .unwrap()
        .register_workflow::<SendReminders>()
        .unwrap()
        .register_workflow::<DeliverWebhook>()
        .unwrap()
        .register_workflow::<RunSchedule>()
        .unwrap()
        .register_workflow::<ProcessPartnerEvent>()
        .unwrap()
        .register_workflow::<Sweep>()
        .unwrap()
        .register_workflow::<Ping>()
        .unwrap()
        .build();
    let plain = WorkflowReplayer::new(options.clone()).unwrap();
    options.data_converter = data_converter(&keys);
    let encrypting = WorkflowReplayer::new(options).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/histories");
    let mut types = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let json = String::from_utf8_lossy(&text).into_owned();
        for kind in KINDS {
            if json.contains(&format!("\"name\": \"{kind}\"")) {
                types.insert(kind);
            }
        }
        for replayer in [&plain, &encrypting] {
            let history = WorkflowHistory::from_json(&text).unwrap();
            replayer.replay_workflow(history).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    assert_eq!(types.len(), KINDS.len(), "a workflow has no recorded history: {types:?}");
}
