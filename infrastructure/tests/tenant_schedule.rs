//! Temporal runs a tenant's schedule at the times that we say it does. Needs Temporal: `cargo xtask test`.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;

use chrono::{DateTime, Utc};
use muster_application::ports::{PutSchedule, WorkflowGateway};
use muster_domain::schedules::Cadence;
use muster_domain::{ScheduleId, TenantId};
use muster_infrastructure::temporal::{PayloadKeys, Temporal, TemporalAccess, TemporalOptions, prepare_namespace};
use muster_testkit::account::remove_home;
use muster_testkit::provision;
use muster_testkit::temporal::{Storage, Temporal as Server};
use temporalio_client::tonic::Request;
use temporalio_common::protos::temporal::api::workflowservice::v1::ListScheduleMatchingTimesRequest;
use uuid::Uuid;

/// Clocks go forward in New York and Berlin, and then nothing happens to them. Not when they go back: what the server then
/// makes of the hour that comes twice depends on the zone (`docs/adr/0025-schedules.md`).
const WINDOWS: [(&str, &str); 3] = [
    ("2027-03-13T00:00:00Z", "2027-03-15T12:00:00Z"),
    ("2027-03-27T00:00:00Z", "2027-03-29T12:00:00Z"),
    ("2027-11-09T00:00:00Z", "2027-11-20T12:00:00Z"),
];

fn ours(cadence: &Cadence, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    std::iter::successors(cadence.next_after(from), |at| cadence.next_after(*at)).take_while(|at| *at <= to).collect()
}

async fn theirs(temporal: &Temporal, id: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let (start, end) = (std::time::SystemTime::from(from), std::time::SystemTime::from(to));
    let ask = ListScheduleMatchingTimesRequest {
        namespace: "default".to_owned(),
        schedule_id: id.to_owned(),
        start_time: Some(start.into()),
        end_time: Some(end.into()),
    };
    let mut service = temporal.client().await.unwrap().connection().workflow_service();
    let found = service.list_schedule_matching_times(Request::new(ask)).await.unwrap().into_inner();
    found.start_time.iter().map(|at| DateTime::from_timestamp(at.seconds, 0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn temporal_runs_a_schedule_at_our_times_and_keeps_the_later_revision() -> anyhow::Result<()> {
    let home = provision::dev_dir()?.join(format!("test-services/tenant-schedule-{}", std::process::id()));
    fs::create_dir_all(&home)?;
    let server = Server::start(&home, Storage::Memory)?;
    let options = TemporalOptions {
        address: server.address(),
        namespace: "default".to_owned(),
        access: TemporalAccess::default(),
        identity: "test".to_owned(),
        keys: PayloadKeys::default(),
    };
    let temporal = Temporal::new(options)?;
    prepare_namespace(&temporal, "default").await?;
    let (tenant, schedule) = (TenantId::new(Uuid::from_u128(1)), ScheduleId::new(Uuid::from_u128(2)));
    let id = format!("schedule/{tenant}/{schedule}");
    let mut revision = 0;
    for zone in ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"] {
        for cron in [
            "30 3 * * mon-fri",
            "30 2 * * *",
            "*/15 1-3 * * *",
            "0 0 13-31/2 * fri,sun",
            "15 */6 1-7 nov,3 0-7",
            "59 23 31 10 *",
        ] {
            revision += 1;
            let cadence = Cadence::parse(cron, zone).unwrap();
            let put = PutSchedule { tenant, schedule, revision, cadence: cadence.clone(), paused: revision % 2 == 0 };
            temporal.put_schedule(&put).await?;
            for (from, to) in WINDOWS {
                let (from, to) = (from.parse()?, to.parse()?);
                assert_eq!(theirs(&temporal, &id, from, to).await, ours(&cadence, from, to), "{cron} {zone}");
            }
        }
    }
    // Whoever comes late changes nothing; whoever removes twice neither.
    let late = PutSchedule {
        tenant,
        schedule,
        revision: 1,
        cadence: Cadence::parse("* * * * *", "UTC").unwrap(),
        paused: false,
    };
    temporal.put_schedule(&late).await?;
    let described = server.cli(&["schedule", "describe", "-s", &id, "--output", "json"])?;
    assert!(described.contains(&format!("revision {revision}")), "{described}");
    assert!(described.contains("scheduled/") && described.contains("fairnessKey"), "{described}");
    for _ in 0..2 {
        temporal.remove_schedule(tenant, schedule).await?;
    }
    drop(server);
    remove_home(&home)?;
    Ok(())
}
