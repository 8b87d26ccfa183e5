//! An import that is longer than one run of its workflow goes on in the next one.

mod support;

use std::collections::HashMap;
use std::time::Duration;

use muster_application::Context;
use muster_bootstrap::Config;
use muster_bootstrap::wire::{self, Role};
use muster_domain::TenantId;
use muster_domain::operations::{BLOCK_ROWS, OnError, OperationOptions};
use muster_testkit::stack::Stack;
use muster_worker::{Activities, NoInterceptor, Queue, Settings, run};
use muster_workflows::contract::operations::RunOperationInput;
use muster_workflows::{RunOperation, names};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};

use support::import;

const BLOCKS: u32 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_continues_as_new_and_does_every_block_once() {
    let stack = tokio::task::spawn_blocking(|| Stack::for_test("continue-as-new").unwrap()).await.unwrap();
    let variables: HashMap<String, String> = stack.surroundings().variables().into_iter().collect();
    let mut config = Config::from_variables(move |name| variables.get(name).cloned()).unwrap();
    let wired = wire::connect(&config, Role::Worker).unwrap();
    config.temporal.address = "127.0.0.1:1".to_owned();
    let alone = wire::connect(&config, Role::Api).unwrap();
    let activities = Activities::new(wired.app.clone());
    let ctx = Context::new(TenantId::new("018f0000-0000-7000-8000-00000000000a".parse().unwrap()));

    let test = async {
        // This one cannot reach Temporal, so the test starts the workflow: with runs of two ranges instead of hundreds.
        let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
        let operation = import(&alone.app, &ctx, BLOCKS * BLOCK_ROWS, 0, options).await.unwrap();
        let input = RunOperationInput {
            tenant_id: ctx.tenant.get(),
            operation_id: operation.id.get(),
            blocks: BLOCKS,
            first_block: 0,
            ranges_per_run: 2,
            has_mails: false,
            prepare: false,
            small: false,
        };
        let workflow = names::operation_workflow(ctx.tenant.get(), operation.id.get());
        let start = WorkflowStartOptions::new(names::CONTROL_QUEUE, workflow).build();
        let client = wired.temporal.client().await.unwrap();
        let handle = client.start_workflow(RunOperation::run, input, start).await.unwrap();
        let result = WorkflowGetResultOptions::builder().follow_runs(true).build();
        handle.get_result(result).await.unwrap();
        let operation = wired.app.operation(&ctx, operation.id).await.unwrap();
        assert_eq!(operation.state.name(), "succeeded");
        assert_eq!(operation.progress.created, u64::from(BLOCKS * BLOCK_ROWS));
    };
    let intercept = || None::<NoInterceptor>;
    let settings = Settings::default();
    tokio::select! {
        ended = run(&wired.temporal, "default", &Queue::ALL, &settings, &activities, intercept, std::future::pending()) => panic!("{ended:?}"),
        done = tokio::time::timeout(Duration::from_mins(2), test) => done.unwrap(),
    }
    let runs = stack.temporal.cli(&["workflow", "list", "--query", "WorkflowType = 'RunOperation'"]).unwrap();
    assert_eq!(runs.matches("ContinuedAsNew").count(), 2, "{runs}");
}
