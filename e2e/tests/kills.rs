//! Processes that are killed lose no row, make none twice and count none wrongly.

use std::{
    collections::HashSet,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use muster_e2e::{
    Chance, Client, World,
    client::{at, number},
    rows,
    world::{count, exactly, test, wait_for_sql},
};
use muster_testkit::{process::Program, stack::Stack, tools::wait_until};
use serde_json::Value;

const USERS: u64 = 100_000;
const KILLS: usize = 10;
/// Mails between two records of progress (`application/src/mails/group.rs`): what a kill may repeat.
const GROUP: u64 = 100;
/// From the start of a new worker to the first step forward.
const RESUMES_WITHIN: Duration = Duration::from_secs(15);

/// Rows and mails that are done.
fn steps(operation: &Value) -> u64 {
    ["rows_done", "mails_sent"].iter().map(|name| number(operation, &format!("/progress/{name}"))).sum()
}

fn wait_for_steps(client: &Client, id: &str, least: u64, patience: Duration) -> Result<u64> {
    wait_until(&format!("{least} steps"), patience, || {
        let done = steps(&client.operation(id)?);
        Ok((done >= least).then_some(done))
    })
}

#[test]
fn a_worker_that_is_killed_ten_times_imports_every_user_once_and_mails_each() {
    test("kills", |stack| {
        let mut chance = Chance::new()?;
        let mut world = World::start(stack)?;
        let id = world.client.import_csv("", &rows::csv("kills", usize::try_from(USERS)?)?)?;

        // Some while rows are imported, the others while mails are sent; none so late that there may be nothing left.
        let rows = KILLS.div_euclid(3);
        let mut moments = chance.ascending(rows, 0, USERS - 20_000);
        moments.extend(chance.ascending(KILLS - rows, USERS, 2 * USERS - 5_000));
        let mut pauses = Vec::new();
        for moment in moments {
            wait_for_steps(&world.client, &id, moment, Duration::from_mins(2))?;
            if let Some(mut worker) = world.worker.take() {
                worker.kill_hard()?;
            }
            let before = steps(&world.client.operation(&id)?);
            let begin = Instant::now();
            world.worker = Some(stack.spawn(Program::Worker, "worker", &[])?);
            wait_for_steps(&world.client, &id, before + 1, Duration::from_mins(2))?;
            println!("killed at {before} of {} steps; went on after {:.1?}", 2 * USERS, begin.elapsed());
            pauses.push(begin.elapsed());
        }

        let operation = world.client.mailed(&id, Duration::from_mins(2))?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        ensure!(number(&operation, "/progress/mails_sent") == USERS, "{operation:#}");
        exactly(stack, USERS)?;
        let mails = stack.mail.messages();
        let users: HashSet<_> = mails.iter().map(|mail| &mail.recipient).collect();
        let ids: HashSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
        let repeats = u64::try_from(mails.len() - ids.len())?;
        println!("{repeats} mails were repeated in {KILLS} kills");
        ensure!(users.len() == ids.len() && ids.len() == usize::try_from(USERS)?, "{} users got mail", users.len());
        ensure!(repeats <= u64::try_from(KILLS)? * GROUP, "{repeats} mails were repeated");
        ensure!(pauses.iter().all(|pause| *pause <= RESUMES_WITHIN), "the work stood still for too long: {pauses:.1?}");
        Ok(())
    });
}

#[test]
fn an_operation_whose_api_is_killed_between_commit_and_workflow_start_runs_all_the_same() {
    test("killed-api", |stack| {
        // It takes connections and never answers: whoever starts a workflow there waits.
        let silent = TcpListener::bind("127.0.0.1:0")?;
        let address = silent.local_addr()?.to_string();
        let mut world = World::start_with(stack, &[("TEMPORAL_ADDRESS", &address)], None)?;
        let request = world.client.clone();
        let body = rows::json_body("killed-api", 50);
        let key = [("Idempotency-Key", "once")];
        thread::scope(|scope| -> Result<()> {
            let waiting = scope.spawn(|| request.post_json(&key, &body));
            wait_for_sql(stack, "select state from operations", "queued", Duration::from_secs(30))?;
            world.api.kill_hard()?;
            ensure!(matches!(waiting.join(), Ok(Err(_))), "the killed API has answered");
            Ok(())
        })?;
        let _worker = spawn_sweeper(stack)?;
        wait_for_sql(stack, "select state from operations", "succeeded", Duration::from_mins(1))?;
        exactly(stack, 50)?;

        // The client, who heard nothing, asks again and gets what was done.
        world.replace_api(stack)?;
        let again = world.client.post_json(&key, &body)?.must_be(201)?;
        ensure!(again.header("idempotent-replayed") == Some("true"), "{again:#?}");
        exactly(stack, 50)
    });
}

#[test]
fn an_operation_that_no_worker_was_there_for_survives_the_api() {
    test("no-worker", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let id = world.client.import_csv("send_welcome=false", &rows::csv("no-worker", 12_000)?)?;
        world.api.kill_hard()?;
        world.replace_api(stack)?;
        let operation = world.client.operation(&id)?;
        ensure!(at(&operation, "/state") == "queued", "{operation:#}");
        let _worker = stack.spawn_worker()?;
        let operation = world.client.ended(&id, Duration::from_mins(1))?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, 12_000)?;
        ensure!(count(stack, "select count(*) from mail_batches")? == 0, "mails although none were asked for");
        Ok(())
    });
}

/// A worker whose sweeps look after operations at once.
fn spawn_sweeper(stack: &Stack) -> Result<muster_testkit::process::Service> {
    stack.spawn_ready(Program::Worker, "worker", &[("OPERATION_STALLED_AFTER_SECONDS", "1")])
}
