//! Operators see who serves which task queue and what waits, and say how much a worker takes on.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    World,
    client::{at, number},
    muster::{muster, muster_json},
    rows,
    world::{exactly, test},
};
use muster_testkit::{mail::Behaviour, process, tools::wait_until};
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

/// One side of a task queue, as `muster workers` tells of it.
fn side<'a>(all: &'a Value, queue: &str, kind: &str) -> Result<&'a Value> {
    let sides = at(all, "/queues").as_array().context("no queues")?;
    let found = sides.iter().find(|side| at(side, "/queue") == queue && at(side, "/kind") == kind);
    found.with_context(|| format!("no {queue} ({kind}) in {all:#}"))
}

#[test]
fn what_waits_for_nobody_is_seen_and_so_is_who_comes_to_serve_it() {
    test("workers", |stack| {
        let mut world = World::start_with(stack, &[], None)?;
        let id = world.client.import_csv("", &rows::csv("waits", 3)?)?;
        let all = wait_until("the backlog", SOON, || {
            let (code, all) = muster_json(stack, &["workers", "--json"])?;
            Ok((code == 3).then_some(all))
        })?;
        ensure!(number(side(&all, "muster-control", "workflow")?, "/backlog") == 1, "{all:#}");
        ensure!(at(side(&all, "muster-control", "workflow")?, "/pollers") == &Value::Array(vec![]), "{all:#}");
        let told = muster(stack, &["workers"])?;
        let line = "muster-control (workflow): 1 task wait and no worker serves it";
        ensure!(told.code == 3 && told.stderr.contains(line), "{told:#?}");

        let variables =
            [("WORKER_BUILD_ID", "9f1c2e4"), ("WORKER_QUEUE_RATES", "mail=7.5"), ("WORKER_TUNER", "resources")];
        world.worker = Some(stack.spawn_ready(process::Program::Worker, "worker", &variables)?);
        world.client.mailed(&id, Duration::from_mins(1))?;
        let all = wait_until("the worker to be seen", SOON, || {
            let (code, all) = muster_json(stack, &["workers", "--json"])?;
            let seen = at(side(&all, "muster-mail", "activity")?, "/pollers/0/build_id") == "9f1c2e4";
            Ok((code == 0 && seen).then_some(all))
        })?;
        let control = side(&all, "muster-control", "workflow")?;
        let pid = world.worker.as_ref().context("no worker")?.pid();
        let identity = at(control, "/pollers/0/identity").as_str().unwrap_or_default();
        ensure!(identity.starts_with("muster-worker@") && identity.ends_with(&format!(":{pid}")), "{all:#}");
        ensure!(
            at(control, "/pollers/0/deployment").is_null() && at(control, "/limit_per_second").is_null(),
            "{all:#}"
        );
        ensure!(at(side(&all, "muster-mail", "activity")?, "/limit_per_second") == 7.5, "{all:#}");
        ensure!(at(&all, "/deployments") == &Value::Array(vec![]), "{all:#}");
        let told = muster(stack, &["workers"])?;
        ensure!(told.code == 0 && told.stderr.is_empty(), "{told:#?}");
        let line =
            told.stdout.lines().find(|line| line.starts_with(identity)).context("the worker is not in the table")?;
        ensure!(line.contains("9f1c2e4") && line.ends_with("control, import, mail, small, webhooks"), "{line}");
        Ok(())
    });
}

#[test]
fn a_worker_begins_no_more_activities_in_a_second_than_it_may() {
    test("rates", |stack| {
        let world = World::start_with(stack, &[], Some(&[("WORKER_RATES", "small=1"), ("WORKER_SLOTS", "small=16")]))?;
        let begin = Instant::now();
        let imports =
            (0..6).map(|n| world.client.import_csv("send_welcome=false", &rows::csv(&format!("rate{n}"), 2)?));
        for id in imports.collect::<Result<Vec<_>>>()? {
            let operation = world.client.ended(&id, Duration::from_mins(1))?;
            ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        }
        let took = begin.elapsed();
        // The first may come at once, and one more while the second begins.
        ensure!(took > Duration::from_secs(4), "six activities took {took:.1?} at one a second");
        exactly(stack, 12)
    });
}

/// From the first to the last of four mails of four imports, to a server that takes a second for each, by a worker with these
/// variables.
fn four_mails(name: &str, variables: &[(&str, &str)]) -> Result<Duration> {
    let mut span = None;
    test(name, |stack| {
        stack.mail.behave(Behaviour::slow(Duration::from_secs(1)));
        let mut world = World::start_with(stack, &[], None)?;
        let imports = (0..4).map(|n| world.client.import_csv("", &rows::csv(&format!("tuned{n}"), 1)?));
        let imports = imports.collect::<Result<Vec<_>>>()?;
        let variables = [&[("WORKER_SLOTS", "mail=4")], variables].concat();
        world.worker = Some(stack.spawn_ready(process::Program::Worker, "worker", &variables)?);
        for id in imports {
            world.client.mailed(&id, Duration::from_mins(1))?;
        }
        span = stack.mail.span();
        Ok(())
    });
    span.context("no mails")
}

#[test]
fn a_worker_that_looks_at_the_machine_takes_on_one_thing_at_a_time_when_there_is_no_room() -> Result<()> {
    let at_once = four_mails("tuner-fixed", &[])?;
    // No machine has so little in use: nothing is handed out but what has to be.
    let no_room = [("WORKER_TUNER", "resources"), ("WORKER_TARGET_MEMORY", "0.001")];
    let in_turn = four_mails("tuner-resources", &no_room)?;
    ensure!(in_turn >= Duration::from_secs(3) && at_once < in_turn, "{at_once:.1?} at once, {in_turn:.1?} in turn");
    Ok(())
}

#[test]
fn wrong_settings_of_a_worker_are_all_named_at_once() -> Result<()> {
    let mut command = Command::new(process::binary(&process::bin_dir()?, "worker")?);
    command.env_clear().args(["--pollers", "mail=many", "--grace-seconds", "0"]);
    command.envs([
        ("WORKER_SLOTS", "post=3"),
        ("WORKER_TUNER", "magic"),
        ("WORKER_DEPLOYMENT", "a.b"),
        ("CACHE_TTL", "0"),
    ]);
    let output = command.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(1) && told.lines().count() == 1, "{told}");
    let wrong = ["WORKER_POLLERS", "WORKER_GRACE_SECONDS", "WORKER_SLOTS", "WORKER_TUNER", "WORKER_DEPLOYMENT"];
    for name in wrong.into_iter().chain(["CACHE_TTL", "DATABASE_URL"]) {
        ensure!(told.contains(name), "{name} is not in: {told}");
    }
    Ok(())
}
