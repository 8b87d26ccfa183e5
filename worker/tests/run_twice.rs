//! Every activity may run twice: here each one does. An interceptor reports a retryable failure after the first
//! success of each, so the engine runs it again, and the end state must be as if it had not.

mod support;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use muster_application::imports::ImportRow;
use muster_application::partners::{AddPartner, PartnerRequest, ReceivePartnerEvent, SignedParts, sign};
use muster_application::tasks::CreateTask;
use muster_application::users::CreateUser;
use muster_application::webhooks::UpdateEndpoint;
use muster_application::{App, Context};
use muster_bootstrap::Config;
use muster_bootstrap::wire::{self, Role, Wired};
use muster_domain::operations::{OnError, OperationKind, OperationOptions, UploadFormat};
use muster_domain::partners::ClientName;
use muster_domain::schedules::{Cadence, NewSchedule};
use muster_domain::tasks::TaskFields;
use muster_domain::users::Given;
use muster_domain::webhooks::{EndpointPatch, TextGiven};
use muster_domain::{Networks, TenantId};
use muster_testkit::hooks::HookServer;
use muster_testkit::stack::Stack;
use muster_worker::{Activities, Queue, Settings, run};
use temporalio_common::ActivityError;
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};

use support::import;

const ROWS: u32 = 25_000;
const BAD: u32 = 7;

/// Lets the first success of every activity look like a failure.
#[derive(Clone, Default)]
struct FailFirstSuccess {
    failed: Arc<Mutex<HashSet<String>>>,
    succeeded: Arc<Mutex<HashMap<String, u32>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ActivityInboundInterceptor for FailFirstSuccess {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let info = input.activity_info();
        let kind = info.activity_type.clone();
        let id = format!("{:?} {:?} {}", info.workflow_id, info.workflow_run_id, info.activity_id);
        async move {
            let done = next.run(input).await;
            if done.is_ok() {
                *locked(&self.succeeded).entry(kind).or_default() += 1;
                if locked(&self.failed).insert(id) {
                    return Err(ActivityError::from(std::io::Error::other("lost after it was done")));
                }
            }
            done
        }
        .boxed()
    }
}

/// Every kind of activity.
const ALL: [&str; 10] = [
    "run_range",
    "finish_operation",
    "send_mails",
    "send_welcome_batch",
    "send_due_reminders",
    "send_reminders",
    "deliver_webhook",
    "begin_scheduled",
    "process_partner_event",
    "sweep",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activities_that_run_twice_leave_the_same_state() {
    let stack = tokio::task::spawn_blocking(|| Stack::for_test("run-twice").unwrap()).await.unwrap();
    let variables: HashMap<String, String> = stack.surroundings().variables().into_iter().collect();
    let config = Config::from_variables(move |name| match name {
        "WEBHOOK_ALLOW_NETWORKS" => Some("127.0.0.1".to_owned()),
        name => variables.get(name).cloned(),
    });
    let config = config.unwrap();
    let receiver = HookServer::start().unwrap();
    let wired = wire::connect(&config, Role::Worker).unwrap();
    // A worker has no use for secrets of partners.
    let operator = wire::connect(&config, Role::Command).unwrap();
    let interceptor = FailFirstSuccess::default();
    let activities = Activities::new(wired.app.clone());

    let test = async {
        let ctx = Context::new(TenantId::new("018f0000-0000-7000-8000-00000000000a".parse().unwrap()));
        let events = Some(vec!["user.created"]);
        let patch = EndpointPatch { url: TextGiven::Text(receiver.url()), events, ..EndpointPatch::default() };
        wired.app.create_webhook(&ctx, UpdateEndpoint { patch, problems: Vec::new() }).await.unwrap();
        let alone = ImportRow {
            email: Some("alone@example.com".into()),
            username: Some("alone".into()),
            ..ImportRow::default()
        };
        let command = CreateUser { row: &alone, welcome: true, key: None };
        let alone = wired.app.create_user(&ctx, command).await.unwrap().user.id.to_string();
        remind(&stack, &wired.app, &ctx, &alone).await.unwrap();
        let id = import(&wired.app, &ctx, ROWS, BAD, OperationOptions::of(OnError::Continue)).await.unwrap().id;
        let ended = wired.app.wait_for_operation(&ctx, id, Duration::from_mins(1)).await.unwrap();
        assert_eq!(ended.state.name(), "partially_succeeded");
        assert_eq!((ended.progress.created, ended.progress.failed), (u64::from(ROWS - BAD), u64::from(BAD)));

        // The mails follow; each goes out once, although its activity runs twice.
        let mut operation = ended;
        while operation.progress.mails_sent < u64::from(ROWS - BAD) {
            look_again().await;
            operation = wired.app.operation(&ctx, id).await.unwrap();
        }
        let done_twice = |kind: &str| locked(&interceptor.succeeded).get(kind).is_some_and(|times| *times >= 2);
        wired.app.relay_welcomes().await.unwrap();
        wired.app.relay_webhooks().await.unwrap();
        let asked = NewSchedule {
            name: None,
            kind: OperationKind::UsersExport,
            filter: "{}".to_owned(),
            format: Some(UploadFormat::Csv),
            cadence: Cadence::parse("0 0 1 1 *", "UTC").unwrap(),
        };
        let schedule = wired.app.create_schedule(&ctx, asked).await.unwrap();
        wired.app.trigger_schedule(&ctx, schedule.id).await.unwrap();
        tell(&operator, &ctx).await.unwrap();
        while !ALL.into_iter().all(done_twice) {
            look_again().await;
        }
    };
    let intercept = || Some(interceptor.clone());
    let settings = Settings::default();
    tokio::select! {
        ended = run(&wired.temporal, "default", &Queue::ALL, &settings, &activities, intercept, std::future::pending()) => panic!("{ended:?}"),
        done = tokio::time::timeout(Duration::from_mins(3), test) => done.unwrap(),
    }

    let count = |sql: &str| stack.psql(sql).unwrap();
    // One of them was made alone, and a partner has told of another one.
    assert_eq!(count("select count(*) from users"), (ROWS - BAD + 2).to_string());
    assert_eq!(count("select count(*) from operations where actor like 'partner:%'"), "1");
    assert_eq!(count("select state from partner_events"), "processed");
    assert_eq!(count("select count(*) from welcome_mails"), "0");
    assert_eq!(count("select count(*) from reminder_mails"), "0");
    // Told of the one who was made alone, and not twice.
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(count("select state || attempts from webhook_deliveries"), "delivered1");
    assert_eq!(count("select count(*) from operation_rows"), BAD.to_string());
    assert_eq!(
        count("select sum(created) || ',' || sum(failed) from operation_blocks"),
        format!("{},{BAD}", ROWS - BAD + 1)
    );
    assert_eq!(count("select count(*) from operations where actor like 'schedule:%'"), "1");
    let messages = stack.mail.messages();
    let distinct: HashSet<_> = messages.iter().map(|message| &message.message_id).collect();
    // Who was made alone was also reminded of something.
    assert_eq!((messages.len(), distinct.len()), ((ROWS - BAD + 2) as usize, (ROWS - BAD + 2) as usize));
}

/// Makes a task that reminds somebody in a moment: a look finds it by itself.
async fn remind(stack: &Stack, app: &App, ctx: &Context, assignee: &str) -> anyhow::Result<()> {
    let soon = "select to_char((now() at time zone 'utc') + interval '4 seconds', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let soon = stack.psql(soon)?;
    let fields = TaskFields {
        title: Given::Text("Come alone"),
        assignee: Given::Text(assignee),
        remind_at: Some(vec![&soon]),
        ..TaskFields::default()
    };
    app.create_task(ctx, CreateTask { fields, problems: Vec::new(), key: None }).await?;
    Ok(())
}

/// An event of a partner, whose user gets no mail.
async fn tell(operator: &Wired, ctx: &Context) -> anyhow::Result<()> {
    let app = &operator.app;
    let name = ClientName::parse("Billing")?;
    let made = app.add_partner(ctx, AddPartner { name, allowed: Networks::default() }).await?;
    let timestamp = operator.clock.now().timestamp().to_string();
    let parts = SignedParts { timestamp: &timestamp, method: "POST", path: "/", body: b"{}" };
    let request = PartnerRequest { client_id: made.client.public_id.as_str(), timestamp: &timestamp, address: None };
    let recognised = app.recognise_partner(request).await?;
    let signature = sign(&made.secret, &parts)?;
    let partner = app.authenticate_partner(recognised, &signature, &parts)?;
    let data = serde_json::json!({ "email": "told@example.com", "username": "told" });
    let (event_id, event_type) = ("1".to_owned(), "user.created".to_owned());
    app.receive_partner_event(&partner, ReceivePartnerEvent { event_id, event_type, data }).await?;
    Ok(())
}

/// Gives the others a moment before a condition is looked at again.
async fn look_again() {
    tokio::time::interval_at(tokio::time::Instant::now() + Duration::from_millis(50), Duration::from_secs(1))
        .tick()
        .await;
}
