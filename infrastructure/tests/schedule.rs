//! The sweeper's schedule is as this release wants it, whatever made it. Needs Temporal: `cargo xtask test`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;

use muster_infrastructure::temporal::{PayloadKeys, Temporal, TemporalAccess, TemporalOptions, prepare_namespace};
use muster_testkit::account::remove_home;
use muster_testkit::provision;
use muster_testkit::temporal::{Storage, Temporal as Server};
use serde_json::Value;

const NAME: &str = "muster-sweeper";

fn described(server: &Server) -> anyhow::Result<Value> {
    Ok(serde_json::from_str(&server.cli(&["schedule", "describe", "-s", NAME, "--output", "json"])?)?)
}

fn check(schedule: &Value) {
    let text = |pointer: &str| schedule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let intervals = schedule.pointer("/schedule/spec/interval").and_then(Value::as_array).unwrap();
    assert_eq!(intervals.len(), 1, "{schedule:#}");
    assert_eq!(text("/schedule/spec/interval/0/interval"), "10s", "{schedule:#}");
    assert_eq!(text("/schedule/policies/catchupWindow"), "60s", "{schedule:#}");
    assert_eq!(text("/schedule/policies/overlapPolicy"), "SCHEDULE_OVERLAP_POLICY_SKIP", "{schedule:#}");
    assert_eq!(text("/schedule/action/startWorkflow/taskQueue/name"), "muster-control", "{schedule:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schedule_gets_todays_times_and_keeps_its_pause() -> anyhow::Result<()> {
    let home = provision::dev_dir()?.join(format!("test-services/schedule-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let server = Server::start(&home, Storage::Memory)?;
    let temporal = || {
        Temporal::new(TemporalOptions {
            address: server.address(),
            namespace: "default".to_owned(),
            access: TemporalAccess::default(),
            identity: "test".to_owned(),
            keys: PayloadKeys::default(),
        })
    };

    // A fresh one, by several workers at once.
    let workers: [Temporal; 3] = [temporal()?, temporal()?, temporal()?];
    let prepare = |n: usize| prepare_namespace(&workers[n], "default");
    let (a, b, c) = tokio::join!(prepare(0), prepare(1), prepare(2));
    a.and(b).and(c)?;
    check(&described(&server)?);

    // One that an older release made.
    server.cli(&["schedule", "delete", "-s", NAME])?;
    server.cli(&[
        "schedule",
        "create",
        "-s",
        NAME,
        "--interval",
        "1h",
        "--calendar",
        "{\"hour\":\"3\"}",
        "--catchup-window",
        "24h",
        "--overlap-policy",
        "BufferAll",
        "--paused",
        "--type",
        "Other",
        "--task-queue",
        "other",
        "-w",
        "other",
    ])?;
    let (a, b, c) = tokio::join!(prepare(0), prepare(1), prepare(2));
    a.and(b).and(c)?;
    let updated = described(&server)?;
    check(&updated);
    assert_eq!(updated.pointer("/schedule/state/paused"), Some(&Value::Bool(true)));

    // Nothing to do, nothing done.
    prepare(0).await?;
    let time = |schedule: &Value| schedule.pointer("/info/updateTime").cloned();
    assert!(time(&updated).is_some());
    assert_eq!(time(&described(&server)?), time(&updated));

    drop(server);
    remove_home(&home)
}
