//! What a panic says is nowhere: not in Temporal's files, whatever is encrypted, and not in the log.
#![expect(missing_docs, reason = "the macros of the SDK generate items without docs")]
#![expect(clippy::panic, clippy::unused_async, reason = "what panics does nothing else")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::panic::panic_any;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use futures::FutureExt;
use muster_application::Context;
use muster_application::imports::{ImportRow, NewUpload};
use muster_bootstrap::wire::{self, Role};
use muster_bootstrap::{Config, telemetry};
use muster_domain::TenantId;
use muster_domain::operations::{OnError, OperationOptions, UploadFormat};
use muster_testkit::postgres::PostgresOptions;
use muster_testkit::process::bin_dir;
use muster_testkit::provision::dev_dir;
use muster_testkit::stack::{Stack, StackOptions};
use muster_testkit::temporal::Storage;
use muster_testkit::tools::wait_until;
use muster_worker::{Activities, Queue, Settings, keep_panics_quiet, run};
use temporalio_client::WorkflowStartOptions;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use temporalio_workflow::{WorkflowContext, WorkflowResult};

const CANARY: &str = "canary_9f3a@birdcage.example.com";
/// That this process is the worker.
const IS_WORKER: &str = "MUSTER_TEST_PANICKING_WORKER";
const QUEUE: &str = "panics";
const PATIENCE: Duration = Duration::from_mins(2);
const KEYS: &str = "a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";

/// The first attempt of an activity panics, with an address in the text.
struct PanicOnce(AtomicBool);

impl ActivityInboundInterceptor for PanicOnce {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let first = input.activity_info().activity_type == "run_range" && !self.0.swap(true, Ordering::Relaxed);
        async move {
            if first {
                panic_any(format!("no user for {CANARY}"));
            }
            next.run(input).await
        }
        .boxed()
    }
}

/// A workflow that panics, with an address in the text.
#[workflow]
#[derive(Default)]
pub struct Panics;

#[workflow_methods]
impl Panics {
    #[run(name = "Panics")]
    pub async fn run(_: &mut WorkflowContext<Self>, (): ()) -> WorkflowResult<()> {
        panic_any(format!("no workflow for {CANARY}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the test below runs it, as a process of its own whose log can be read"]
async fn the_worker_that_panics() {
    if std::env::var_os(IS_WORKER).is_none() {
        return;
    }
    let config = Config::load().unwrap();
    let wired = wire::connect(&config, Role::Worker).unwrap();
    telemetry::init(&config, Role::Worker).unwrap();
    let runtime = Runtime::from_current_tokio(RuntimeOptions::default()).unwrap();
    let mut options = WorkerOptions::new(QUEUE).build();
    options.register_workflow::<Panics>().unwrap();
    keep_panics_quiet(&mut options);
    let mut panicking = Worker::new(&runtime, wired.temporal.client().await.unwrap(), options).unwrap();
    let activities = Activities::new(wired.app.clone());
    let intercept = || Some(PanicOnce(AtomicBool::new(false)));
    let settings = Settings::default();
    let served =
        run(&wired.temporal, "default", &Queue::ALL, &settings, &activities, intercept, std::future::pending());
    tokio::select! {
        ended = served => panic!("{ended:?}"),
        ended = panicking.run() => panic!("{ended:?}"),
    }
}

/// With a Temporal that writes all it knows into a file.
fn stack(name: &str) -> Result<Stack> {
    let home = dev_dir()?.join("test").join(format!("{name}-{}", std::process::id()));
    Stack::start(StackOptions {
        temporal: Storage::File(home.join("temporal.db")),
        fair: true,
        home,
        bin: bin_dir()?,
        postgres: PostgresOptions::THROWAWAY,
        cached: true,
        mail_dir: None,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_panic_says_is_in_no_file_of_temporal_and_in_no_log() {
    panics_are_quiet(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_payloads_are_encrypted() {
    panics_are_quiet(Some(KEYS)).await.unwrap();
}

async fn panics_are_quiet(keys: Option<&str>) -> Result<()> {
    let name = if keys.is_some() { "panics-encrypted" } else { "panics" };
    let stack = tokio::task::spawn_blocking(move || stack(name)).await??;
    let mut variables: HashMap<String, String> = stack.surroundings().variables().into_iter().collect();
    variables.extend(keys.map(|keys| ("MUSTER_CODEC_KEYS".to_owned(), keys.to_owned())));
    let log = stack.home().join("panics.log");
    let mut worker = Command::new(std::env::current_exe()?)
        .args(["--exact", "the_worker_that_panics", "--ignored", "--nocapture"])
        .envs(&variables)
        .envs([(IS_WORKER, "1"), ("LOG_LEVEL", "trace"), ("RUST_BACKTRACE", "1")])
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()?;
    let asked = tokio::time::timeout(PATIENCE, ask(&stack, variables)).await;
    worker.kill()?;
    worker.wait()?;
    asked??;

    let log = fs::read_to_string(log)?;
    assert!(log.contains("TRACE") && !log.contains("canary"), "{}", around(&log));
    assert_eq!(log.matches("personal data and is left out").count().min(2), 2, "not every panic was told");
    assert!(log.contains("worker/tests/panics.rs:"), "nobody knows where it was");
    let mut stored = String::new();
    for entry in fs::read_dir(stack.home())?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("temporal.db") {
            stored += &String::from_utf8_lossy(&fs::read(entry.path())?);
        }
    }
    assert!(stored.contains("the log of the worker says where"), "not every failure was stored");
    assert!(!stored.contains("canary"), "{}", around(&stored));
    Ok(())
}

fn around(text: &str) -> &str {
    let at = text.find("canary").unwrap_or_default();
    text.get(at.saturating_sub(300)..at).unwrap_or_default()
}

/// An import whose first attempt panics, and a workflow that does nothing else.
async fn ask(stack: &Stack, variables: HashMap<String, String>) -> Result<()> {
    let config = Config::from_variables(move |name| variables.get(name).cloned())?;
    let wired = wire::connect(&config, Role::Api)?;
    let ctx = Context::new(TenantId::new("018f0000-0000-7000-8000-00000000000a".parse()?));
    let mut upload = wired.app.begin_upload(ctx.clone(), NewUpload::import(UploadFormat::Csv, None)).await?;
    let (email, username) = (Some(CANARY.into()), Some("canary_9f3a".into()));
    upload.push(&ImportRow { line: 1, email, username, ..ImportRow::default() })?;
    let options = OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) };
    let id = upload.finish(options, &[]).await?.operation.id;
    let ended = wired.app.wait_for_operation(&ctx, id, PATIENCE).await?;
    assert_eq!(ended.state.name(), "succeeded");

    let client = wired.temporal.client().await?;
    client.start_workflow(Panics::run, (), WorkflowStartOptions::new(QUEUE, "panics").build()).await?;
    wait_until("a failed workflow task", PATIENCE, || {
        let history = stack.temporal.history_json("panics")?;
        Ok(history.contains("WORKFLOW_TASK_FAILED").then_some(()))
    })
}
