//! Operations are paused, resumed and cancelled while workers, API and Temporal are killed: no row is lost, none is done
//! twice, and nothing moves that was stopped.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use muster_e2e::{
    Client, World,
    client::{Answer, at, number},
    rows,
    world::{count, exactly, test, test_durable},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::Value;

const USERS: u64 = 300_000;
const PATIENCE: Duration = Duration::from_mins(2);
/// What is promised of a pause, a cancel, and a resume that Temporal hears of.
const SOON: Duration = Duration::from_secs(2);
const DONE: &str = "select coalesce(sum(row_count), 0) from operation_blocks where settled_at is not null";

fn ask(client: &Client, id: &str, what: &str) -> Result<Answer> {
    client.ask("POST", &format!("/api/v1/operations/{id}/{what}"), &[], &Value::Null)
}

fn state_of(client: &Client, id: &str) -> Result<String> {
    Ok(at(&client.operation(id)?, "/state").as_str().unwrap_or_default().to_owned())
}

fn import(world: &World, name: &str, options: &str) -> Result<String> {
    world.client.import_csv(&format!("send_welcome=false{options}"), &rows::csv(name, usize::try_from(USERS)?)?)
}

fn wait_for_rows(client: &Client, id: &str, least: u64) -> Result<()> {
    wait_until(&format!("{least} rows"), PATIENCE, || {
        Ok((number(&client.operation(id)?, "/progress/rows_done") >= least).then_some(()))
    })
}

/// Stops it, and gives how many rows were done then.
fn stop(stack: &Stack, client: &Client, id: &str, what: &str) -> Result<u64> {
    let begin = Instant::now();
    let answer = ask(client, id, what)?.must_be(200)?;
    let took = begin.elapsed();
    let done = count(stack, DONE)?;
    println!("{what} after {done} rows took {took:.2?}");
    ensure!(took < SOON, "{what} took {took:.2?}");
    ensure!(number(&answer.body, "/progress/rows_done") == done, "rows were done after the answer: {answer:#?}");
    ensure!(done < USERS, "the import was over before it was stopped");
    Ok(done)
}

fn replace_worker(stack: &Stack, world: &mut World) -> Result<()> {
    if let Some(mut worker) = world.worker.take() {
        worker.kill_hard()?;
    }
    world.worker = Some(stack.spawn_worker()?);
    Ok(())
}

#[test]
fn a_paused_import_stands_still_and_goes_on_whoever_is_killed() {
    test("paused", |stack| {
        let mut world = World::start(stack)?;
        let id = import(&world, "paused", "")?;
        wait_for_rows(&world.client, &id, 20_000)?;
        let done = stop(stack, &world.client, &id, "pause")?;
        // Its workflow waits, and not for an activity.
        let query = format!("MusterOperation='{id}' and MusterState='paused'");
        wait_until("the workflow to wait", PATIENCE, || Ok(stack.temporal.lists(&query, &id)?.then_some(())))?;
        ensure!(count(stack, DONE)? == done, "rows were done while it was paused");

        // It is resumed while no worker is there, by an API that was not there when it was paused.
        if let Some(mut worker) = world.worker.take() {
            worker.kill_hard()?;
        }
        world.replace_api(stack)?;
        ensure!(state_of(&world.client, &id)? == "paused");
        let resumed = ask(&world.client, &id, "resume")?.must_be(200)?;
        ensure!(resumed.text("/state") == "queued", "{resumed:#?}");
        world.worker = Some(stack.spawn_worker()?);
        wait_for_rows(&world.client, &id, done + 1)?;

        // Again, and this time the worker dies while it is paused.
        let done = stop(stack, &world.client, &id, "pause")?;
        replace_worker(stack, &mut world)?;
        ask(&world.client, &id, "resume")?.must_be(200)?;
        let begin = Instant::now();
        wait_for_rows(&world.client, &id, done + 1)?;
        println!("went on after {:.1?}", begin.elapsed());
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, USERS)
    });
}

#[test]
fn an_operation_that_is_resumed_while_temporal_is_down_goes_on_when_it_is_back() {
    test_durable("resumed-outage", |stack| {
        let sweeps_soon = [("OPERATION_STALLED_AFTER_SECONDS", "1")];
        let world = World::start_with(stack, &[], Some(&sweeps_soon))?;
        let id = import(&world, "resumed-outage", "")?;
        wait_for_rows(&world.client, &id, 20_000)?;
        stop(stack, &world.client, &id, "pause")?;
        stack.temporal.stop()?;
        ask(&world.client, &id, "resume")?.must_be(200)?;
        stack.temporal.start_again()?;
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, USERS)
    });
}

#[test]
fn a_cancelled_import_keeps_what_is_done_and_its_workflow_ends() {
    test("cancelled", |stack| {
        let mut world = World::start(stack)?;
        for (name, kill, pause) in [("cancel-1", false, false), ("cancel-2", true, false), ("cancel-3", false, true)] {
            stack.psql("truncate operations, users cascade")?;
            let id = import(&world, name, "")?;
            wait_for_rows(&world.client, &id, 20_000)?;
            if pause {
                stop(stack, &world.client, &id, "pause")?;
            }
            let done = stop(stack, &world.client, &id, "cancel")?;
            if kill && let Some(mut worker) = world.worker.take() {
                worker.kill_hard()?;
                world.worker = Some(stack.spawn_worker()?);
            }
            let query = format!("MusterOperation='{id}' and ExecutionStatus='Running'");
            wait_until("the workflow to end", PATIENCE, || Ok((!stack.temporal.lists(&query, &id)?).then_some(())))?;
            ensure!(state_of(&world.client, &id)? == "cancelled");
            ensure!(count(stack, DONE)? == done && count(stack, "select count(*) from users")? == done, "{name}");
            ask(&world.client, &id, "resume")?.must_be_problem(409, "BUSINESS_RULE_VIOLATION")?;
        }
        Ok(())
    });
}

#[test]
fn the_error_budget_pauses_an_import_that_goes_wrong_whoever_is_killed() {
    test("budget", |stack| {
        let mut world = World::start(stack)?;
        let mut csv = rows::csv("budget", 60_000)?;
        // A whole block of rows that are there already.
        csv.extend(rows::csv("budget", 60_000)?.split_inclusive(|byte| *byte == b'\n').skip(1).flatten());
        let id = world.client.import_csv("send_welcome=false&max_errors=1%25", &csv)?;
        wait_for_rows(&world.client, &id, 10_000)?;
        replace_worker(stack, &mut world)?;
        wait_until("the pause", PATIENCE, || Ok((state_of(&world.client, &id)? == "paused").then_some(())))?;
        replace_worker(stack, &mut world)?;
        let operation = world.client.operation(&id)?;
        ensure!(at(&operation, "/pause/reason") == "error_budget", "{operation:#}");
        ensure!(at(&operation, "/pause/message").as_str().is_some_and(|text| text.contains("max_errors=1%")));
        ask(&world.client, &id, "resume?max_errors=100%25")?.must_be(200)?;
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "partially_succeeded", "{operation:#}");
        ensure!(number(&operation, "/progress/failed") == 60_000, "{operation:#}");
        exactly(stack, 60_000)
    });
}
