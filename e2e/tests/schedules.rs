//! Schedules at the real engine: it follows what is stored, and a run begins one operation, whoever dies.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World, rows,
    world::{count, exactly, test, test_durable, wait_for_sql},
};
use muster_testkit::{process::Program, stack::Stack, tools::wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(2);
const SCHEDULES: &str = "/api/v1/schedules";

fn make(client: &Client, body: &Value) -> Result<String> {
    Ok(client.ask("POST", SCHEDULES, &[], body)?.must_be(201)?.text("/id").to_owned())
}

fn post(client: &Client, id: &str, what: &str, status: u16) -> Result<Value> {
    Ok(client.ask("POST", &format!("{SCHEDULES}/{id}/{what}"), &[], &Value::Null)?.must_be(status)?.at("").clone())
}

/// The engine's schedules of tenants, as the server lists them.
fn known(stack: &Stack) -> Result<Vec<Value>> {
    let text = stack.temporal.cli(&["schedule", "list", "--output", "json"])?;
    let all: Vec<Value> = serde_json::from_str(&text).context("no list")?;
    let is_ours = |schedule: &Value| schedule["scheduleId"].as_str().is_some_and(|id| id.starts_with("schedule/"));
    Ok(all.into_iter().filter(is_ours).collect())
}

fn wait_for_known(stack: &Stack, what: &str, is_right: impl Fn(&[Value]) -> bool) -> Result<()> {
    wait_until(what, PATIENCE, || Ok(is_right(&known(stack)?).then_some(())))
}

#[test]
fn a_run_begins_one_operation_though_its_worker_is_killed() {
    const USERS: u64 = 60_000;
    test("schedules-kills", |stack| {
        let mut world = World::start(stack)?;
        let import = rows::csv("purged", usize::try_from(USERS)?)?;
        let imported = world.client.import_csv("send_welcome=false", &import)?;
        world.client.ended(&imported, PATIENCE)?;
        exactly(stack, USERS)?;
        // No age: it would count from the whole second of the run, in which the last of them are made.
        let body = json!({ "kind": "users.delete", "filter": { "is_active": true }, "cron": "0 0 1 1 *" });
        let id = make(&world.client, &body)?;
        post(&world.client, &id, "trigger", 202)?;
        // While it gathers: the operation is there, and not queued yet; or just after that.
        wait_for_sql(stack, "select count(*) from operations where actor like 'schedule:%'", "1", PATIENCE)?;
        world.worker.take().context("no worker")?.kill_hard()?;
        world.worker = Some(stack.spawn_ready(Program::Worker, "worker-2", &[])?);
        let operation = wait_until("the run", PATIENCE, || {
            let schedule = world.client.get(&format!("{SCHEDULES}/{id}"))?.must_be(200)?;
            Ok(Some(schedule.text("/last_run/operation_id").to_owned()).filter(|id| !id.is_empty()))
        })?;
        let ended = world.client.ended(&operation, PATIENCE)?;
        ensure!(ended["state"] == "succeeded" && ended["progress"]["changed"] == USERS, "{ended:#}");
        ensure!(count(stack, "select count(*) from users where deleted_at is null")? == 0);
        ensure!(count(stack, "select count(*) from operations where actor like 'schedule:%'")? == 1);
        Ok(())
    });
}

#[test]
fn the_engine_follows_also_when_it_was_down_and_hears_of_no_condition() {
    test_durable("schedules-outages", |stack| {
        let world = World::start(stack)?;
        let body = json!({
            "kind": "users.export",
            "filter": { "email": "secret.example" },
            "cron": "*/5 * * * *",
            "time_zone": "Europe/Berlin",
        });
        let first = make(&world.client, &body)?;
        wait_for_known(stack, "the first schedule", |known| known.len() == 1)?;
        stack.temporal.stop()?;
        let second = make(&world.client, &body)?;
        post(&world.client, &first, "pause", 200)?;
        stack.temporal.start_again()?;
        wait_for_sql(stack, "select count(*) from schedules where synced_revision < revision", "0", PATIENCE)?;
        wait_for_known(stack, "both schedules", |known| known.len() == 2)?;
        for (id, paused) in [(&first, true), (&second, false)] {
            let tenant = stack.psql(&format!("select tenant_id from schedules where id = '{id}'"))?;
            let name = format!("schedule/{tenant}/{id}");
            let text = stack.temporal.cli(&["schedule", "describe", "-s", &name, "--output", "json"])?;
            ensure!(!text.contains("secret"), "{text}");
            let known: Value = serde_json::from_str(&text)?;
            let is_paused = known.pointer("/schedule/state/paused").and_then(Value::as_bool).unwrap_or_default();
            ensure!(is_paused == paused, "{text}");
        }

        stack.temporal.stop()?;
        for id in [&first, &second] {
            world.client.ask("DELETE", &format!("{SCHEDULES}/{id}"), &[], &Value::Null)?.must_be(204)?;
        }
        ensure!(count(stack, "select count(*) from schedules")? == 2, "they wait for the engine to hear of it");
        stack.temporal.start_again()?;
        wait_for_known(stack, "no schedules", <[Value]>::is_empty)?;
        wait_for_sql(stack, "select count(*) from schedules", "0", PATIENCE)?;
        Ok(())
    });
}
