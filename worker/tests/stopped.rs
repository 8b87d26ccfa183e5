//! An operation is stopped after one lane of its workflow did its range, whose result comes when the others have found it
//! stopped: that one's word must not be the last.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use futures::FutureExt;
use muster_application::Context;
use muster_application::operations::OnCancel;
use muster_bootstrap::Config;
use muster_bootstrap::wire::{self, Role};
use muster_domain::TenantId;
use muster_domain::operations::{BLOCK_ROWS, OnError, OperationOptions};
use muster_testkit::stack::Stack;
use muster_worker::{Activities, Queue, SettingArguments, Settings, run};
use muster_workflows::policy::IMPORT_LANES;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use tokio::sync::watch;

use support::import;

const BLOCKS: u32 = IMPORT_LANES + 1;
const PATIENCE: Duration = Duration::from_mins(1);

/// All lanes are at work at once, also on a machine of few processors.
#[derive(clap::Parser)]
struct Told {
    #[command(flatten)]
    settings: SettingArguments,
}

/// Who may go on.
#[derive(Default)]
struct Seen {
    last_lane_is_done: bool,
    paused: bool,
    found_paused: u32,
}

/// Lets the last lane do its range alone, and holds its result back until all others have found the operation paused.
#[derive(Clone, Default)]
struct LastLaneIsLate(Arc<watch::Sender<Seen>>);

impl LastLaneIsLate {
    async fn until(&self, condition: impl FnMut(&Seen) -> bool) {
        // It ends only when the sender is gone, which is ours.
        let _ = self.0.subscribe().wait_for(condition).await;
    }
}

impl ActivityInboundInterceptor for LastLaneIsLate {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        let is_range = info.activity_type == "run_range";
        // The first one prepares; then each lane takes its first range.
        let is_last = info.activity_id == (1 + IMPORT_LANES).to_string();
        async move {
            if !is_range {
                return next.run(input).await;
            }
            if !is_last {
                self.until(|seen| seen.paused).await;
            }
            let done = next.run(input).await;
            if is_last {
                self.0.send_modify(|seen| seen.last_lane_is_done = true);
                self.until(|seen| seen.found_paused >= IMPORT_LANES - 1).await;
            } else {
                self.0.send_modify(|seen| seen.found_paused += 1);
            }
            done
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporal_says_that_an_operation_is_stopped_whichever_lane_answers_last() {
    let stack = tokio::task::spawn_blocking(|| Stack::for_test("stopped").unwrap()).await.unwrap();
    let variables: HashMap<String, String> = stack.surroundings().variables().into_iter().collect();
    let config = Config::from_variables(move |name| variables.get(name).cloned()).unwrap();
    let wired = wire::connect(&config, Role::Worker).unwrap();
    let activities = Activities::new(wired.app.clone());
    let ctx = Context::new(TenantId::new("018f0000-0000-7000-8000-00000000000a".parse().unwrap()));
    let late = LastLaneIsLate::default();

    let test = async {
        let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
        let id = import(&wired.app, &ctx, BLOCKS * BLOCK_ROWS, 0, options).await.unwrap().id;
        let says = async |what: &str| {
            let query = format!("MusterOperation='{id}' and {what}");
            let mut looks = tokio::time::interval(Duration::from_millis(100));
            let listed = async {
                while !stack.temporal.lists(&query, &id.to_string()).unwrap() {
                    looks.tick().await;
                }
            };
            assert!(tokio::time::timeout(PATIENCE, listed).await.is_ok(), "Temporal does not say {what}");
        };
        late.until(|seen| seen.last_lane_is_done).await;
        let paused = wired.app.pause_operation(&ctx, id).await.unwrap();
        assert_eq!(paused.progress.blocks_done, 1);
        late.0.send_modify(|seen| seen.paused = true);
        says("MusterState='paused'").await;
        wired.app.cancel_operation(&ctx, id, OnCancel::Keep).await.unwrap();
        says("MusterState='cancelled' and ExecutionStatus='Completed'").await;
        assert_eq!(wired.app.operation(&ctx, id).await.unwrap().progress.blocks_done, 1);
    };
    let intercept = || Some(late.clone());
    let told = Told::parse_from(["worker", "--slots", &format!("import={}", IMPORT_LANES + 1)]);
    let settings = Settings::read(&told.settings).unwrap();
    tokio::select! {
        ended = run(&wired.temporal, "default", &Queue::ALL, &settings, &activities, intercept, std::future::pending()) => panic!("{ended:?}"),
        done = tokio::time::timeout(PATIENCE * 3, test) => done.unwrap(),
    }
}
