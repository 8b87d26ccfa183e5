//! `histories`: records what running workflows leave behind, for the test that replays it with later code.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use muster_testkit::{
    data,
    hooks::HookServer,
    mail::{Behaviour, Refusal},
    postgres::PostgresOptions,
    process::{Program, Service},
    provision::{dev_dir, workspace_dir},
    stack::{Stack, StackOptions},
    temporal::Storage,
    tools::{announce, output_of, random_uuid, wait_until},
};
use serde_json::{Value, json};

use crate::{cargo, signals};

/// Users of the large import: several blocks, so that its lanes have something to share.
const MANY: usize = 65_000;
/// What schedules of ours begin again and again.
const LOOKS: [&str; 2] = ["Sweep", "SendDueReminders"];
const PATIENCE: Duration = Duration::from_mins(2);
/// Prefix of all users; nothing that begins so may be in a history.
const PREFIX: &str = "recorded";

pub(crate) fn run() -> Result<ExitCode> {
    let bin = cargo::build_programs(false)?;
    let mut program = cargo::cargo()?;
    program.args(["build", "--package", "muster-worker", "--example", "history"]).env("SQLX_OFFLINE", "true");
    ensure!(program.status()?.success(), "the build failed: see above");
    let home = dev_dir()?.join("histories");
    let pids = home.join("pids");
    let clean_up = || muster_testkit::pids::end_all(&pids).map(drop);
    signals::cleaning_up(clean_up, || record(home, bin))?;
    Ok(ExitCode::SUCCESS)
}

fn record(home: PathBuf, bin: PathBuf) -> Result<()> {
    let stack = Stack::start(StackOptions {
        mail_dir: None,
        home,
        bin,
        postgres: PostgresOptions::THROWAWAY,
        cached: true,
        temporal: Storage::Memory,
        fair: true,
    })?;
    let networks = [("WEBHOOK_ALLOW_NETWORKS", "127.0.0.1")];
    let _worker = stack.spawn_ready(Program::Worker, "worker", &networks)?;
    let api = stack.spawn_ready(Program::Api, "api", &networks)?;
    announce("running one workflow of each kind");
    import(&stack, &api, MANY, "--wait-mails")?;
    import(&stack, &api, 3, "--no-mail")?;
    // Its mails are put off at first.
    stack.mail.behave(Behaviour::temporary(Refusal::EveryNthRcpt(2)));
    import(&stack, &api, 20, "--wait-mails")?;
    create(&stack, &api)?;
    pause_and_resume(&stack, &api)?;
    webhook(&stack, &api)?;
    schedule(&stack, &api)?;
    partner_event(&stack)?;
    remind(&stack)?;
    output_of(stack.muster()?.arg("ping"))?;
    let ended = wait_until("every workflow and a sweep to end", PATIENCE, || {
        let runs = runs(&stack)?;
        let looked = LOOKS.iter().all(|look| runs.iter().any(|run| run.kind == *look && run.completed));
        let others = runs.iter().filter(|run| !LOOKS.contains(&run.kind.as_str()));
        Ok((looked && others.clone().count() >= 14 && others.clone().all(|run| run.completed)).then_some(runs))
    })?;
    let folder = workspace_dir()?.join("workflows/histories");
    fs::create_dir_all(&folder)?;
    let mut looked = HashSet::new();
    for run in ended.iter().filter(|run| run.completed) {
        // One look is like another.
        if LOOKS.contains(&run.kind.as_str()) && !looked.insert(&run.kind) {
            continue;
        }
        let text = output_of(history(&stack)?.args([&run.workflow_id, &run.id]))? + "\n";
        ensure!(
            !text.contains(PREFIX) && !text.contains("example."),
            "there is an address in the history of {}",
            run.workflow_id
        );
        let file = free(&folder, &run.kind)?;
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    println!("Check that they replay: cargo test -p muster-worker --test replay");
    Ok(())
}

/// A run of a workflow.
struct Run {
    workflow_id: String,
    id: String,
    kind: String,
    completed: bool,
}

fn runs(stack: &Stack) -> Result<Vec<Run>> {
    let list: Vec<Value> = serde_json::from_str(&stack.temporal.cli(&["workflow", "list", "--output", "json"])?)?;
    let text = |run: &Value, at: &str| run.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(list
        .iter()
        .map(|run| Run {
            workflow_id: text(run, "/execution/workflowId"),
            id: text(run, "/execution/runId"),
            kind: text(run, "/type/name"),
            completed: ["COMPLETED", "CONTINUED_AS_NEW"].iter().any(|end| text(run, "/status").ends_with(end)),
        })
        .collect())
}

/// The program that prints a history as the replayer reads it. It is the worker's: we build without the SDK.
fn history(stack: &Stack) -> Result<Command> {
    let mut command = cargo::cargo()?;
    command.args(["run", "--quiet", "--package", "muster-worker", "--example", "history", "--"]);
    command.env("SQLX_OFFLINE", "true").env("TEMPORAL_ADDRESS", stack.temporal.address());
    Ok(command)
}

/// Imports users and waits for the end; with `--wait-mails` also for the mails.
fn import(stack: &Stack, api: &Service, users: usize, mails: &str) -> Result<()> {
    let file = stack.home().join("users.csv");
    data::csv_file(&file, &format!("{PREFIX}-{users}"), users)?;
    let mut muster = stack.muster()?;
    muster.arg("import").arg(&file).args(["--json", mails]);
    muster.env("API_URL", api.url()).env("TENANT_TOKEN", stack.token(&random_uuid()?)?);
    output_of(&mut muster).map(drop)
}

/// Makes one user alone, who is to get a mail.
fn create(stack: &Stack, api: &Service) -> Result<()> {
    let token = stack.token(&random_uuid()?)?;
    let body = json!({ "email": format!("{PREFIX}@example.com"), "username": PREFIX });
    let url = format!("{}/api/v1/users", api.url());
    ureq::post(&url).header("X-Tenant-Token", &token).send_json(&body).context("the user was not made")?;
    Ok(())
}

/// An import that is paused before a worker has begun it, and goes on once its workflow waits.
fn pause_and_resume(stack: &Stack, api: &Service) -> Result<()> {
    let token = stack.token(&random_uuid()?)?;
    let file = stack.home().join("paused.csv");
    data::csv_file(&file, &format!("{PREFIX}-paused"), MANY)?;
    let ask = |path: &str| ureq::post(format!("{}/api/v1/{path}", api.url())).header("X-Tenant-Token", &token);
    let upload = ask("users/batch?send_welcome=false").header("Content-Type", "text/csv");
    let mut accepted = upload.header("Prefer", "respond-async").send(fs::File::open(&file)?)?;
    let operation: Value = accepted.body_mut().read_json()?;
    let id = operation.get("id").and_then(Value::as_str).context("the answer has no id")?;
    ask(&format!("operations/{id}/pause")).send_empty()?;
    let query = format!("MusterOperation='{id}' and MusterState='paused'");
    wait_until("the workflow to wait", PATIENCE, || Ok(stack.temporal.lists(&query, id)?.then_some(())))?;
    ask(&format!("operations/{id}/resume")).send_empty()?;
    Ok(())
}

/// Tries an endpoint that takes it at the second attempt.
fn webhook(stack: &Stack, api: &Service) -> Result<()> {
    let token = stack.token(&random_uuid()?)?;
    let receiver = HookServer::start()?;
    receiver.answer(503, &[]);
    let ask = |path: &str| ureq::post(format!("{}/api/v1/webhooks{path}", api.url())).header("X-Tenant-Token", &token);
    let mut made = ask("").send_json(json!({ "url": receiver.url(), "events": ["user.created"] }))?;
    let endpoint: Value = made.body_mut().read_json()?;
    let id = endpoint.get("id").and_then(Value::as_str).context("the answer has no id")?;
    ask(&format!("/{id}/test")).send_empty()?;
    wait_until("the endpoint to be told twice", PATIENCE, || Ok((receiver.requests().len() == 2).then_some(())))
}

/// Triggers a schedule that exports nobody.
fn schedule(stack: &Stack, api: &Service) -> Result<()> {
    let token = stack.token(&random_uuid()?)?;
    let ask = |path: &str| ureq::post(format!("{}/api/v1/schedules{path}", api.url())).header("X-Tenant-Token", &token);
    let mut made = ask("").send_json(json!({ "kind": "users.export", "cron": "0 0 1 1 *" }))?;
    let made: Value = made.body_mut().read_json()?;
    let id = made.get("id").and_then(Value::as_str).context("the answer has no id")?;
    ask(&format!("/{id}/trigger")).send_empty().map(drop).context("it was not triggered")
}

/// Something that a partner has told and nobody has started: the sweeper does.
fn partner_event(stack: &Stack) -> Result<()> {
    let line = "insert into partner_events (
                    tenant_id, id, client_id, event_id, event_type, data, state, received_at, due_at
                )
                values (
                    gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '1', 'invoice.paid', '{}', 'received', now(), now()
                )";
    stack.psql(line).map(drop)
}

/// A task that reminds somebody in a moment.
fn remind(stack: &Stack) -> Result<()> {
    let tenant = random_uuid()?;
    stack.psql(&format!(
        "with made as (
             insert into users (tenant_id, id, email, username, created_at, updated_at)
             values ('{tenant}', gen_random_uuid(), '{PREFIX}-reminded@example.com', '{PREFIX}-reminded', now(), now())
             returning id
         )
         insert into tasks (
             tenant_id, id, title, status, priority, assignee_id, remind_at, version, created_at, updated_at,
             reminded_through, next_reminder_at
         )
         select '{tenant}', gen_random_uuid(), '{PREFIX}', 'todo', 1, id, array[now()], 1, now(), now(),
                now() - interval '1 second', now()
         from made"
    ))?;
    let mails = "select count(*) from tasks where next_reminder_at is not null";
    wait_until("the reminder to be taken", PATIENCE, || Ok((stack.psql(mails)? == "0").then_some(())))
}

/// The first name that is free: what was recorded before stays, and must replay as well.
fn free(folder: &Path, kind: &str) -> Result<PathBuf> {
    let files = (1_u32..).map(|n| folder.join(format!("{kind}-{n}.json")));
    files.into_iter().find(|file| !file.exists()).context("no name is free")
}
