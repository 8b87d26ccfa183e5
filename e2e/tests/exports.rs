//! An export shows one moment, whatever is written meanwhile, and is whole and there once, whoever is killed.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::{at, number},
    rows,
    world::{count, exactly, test},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(2);
const OPERATIONS: &str = "/api/v1/operations";

fn begin(client: &Client, path: &str, body: &Value) -> Result<String> {
    Ok(client.ask("POST", path, &[], body)?.must_be(202)?.text("/id").to_owned())
}

fn populated(stack: &Stack, client: &Client, name: &str, users: u64) -> Result<()> {
    let id = client.import_csv("send_welcome=false", &rows::csv(name, usize::try_from(users)?)?)?;
    let operation = client.ended(&id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    exactly(stack, users)
}

/// The users of an export that has ended: their file is what the operation says, and names each of them once.
fn users_of(client: &Client, id: &str) -> Result<HashMap<String, bool>> {
    let operation = client.ended(id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    let (status, _, text) = client.text(at(&operation, "/links/file").as_str().context("no link")?)?;
    ensure!(status == 200, "{status}");
    let digest = blake3::hash(text.as_bytes()).to_hex();
    ensure!(at(&operation, "/file/blake3") == digest.as_str(), "{operation:#}");
    let bytes = number(&operation, "/file/bytes");
    let lines = u64::try_from(text.lines().count())?;
    ensure!((bytes, number(&operation, "/file/rows")) == (u64::try_from(text.len())?, lines), "{operation:#}");
    ensure!(number(&operation, "/progress/exported") == lines, "{operation:#}");
    let mut users = HashMap::new();
    for line in text.lines() {
        let user: Value = serde_json::from_str(line)?;
        let id = at(&user, "/id").as_str().context("no id")?.to_owned();
        let is_active = at(&user, "/is_active").as_bool().context("no flag")?;
        ensure!(users.insert(id, is_active).is_none(), "a user is there twice: {line}");
    }
    Ok(users)
}

/// Turns the users of a group on and off, all of them in one transaction each time, until it is told to end.
fn flip(client: &Client, group: &[String], enough: &AtomicBool) -> Result<usize> {
    let path = format!("{OPERATIONS}?on_error=abort");
    for n in 0.. {
        if enough.load(Ordering::SeqCst) {
            return Ok(n);
        }
        let body = json!({"kind": "users.update", "ids": group, "set": {"is_active": n % 2 == 1}});
        let operation = client.ended(&begin(client, &path, &body)?, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    }
    Ok(0)
}

#[test]
fn an_export_shows_each_transaction_wholly_or_not_at_all() {
    const USERS: u64 = 36_000;
    test("exports", |stack| {
        let world = World::start(stack)?;
        populated(stack, &world.client, "exports", USERS)?;
        // Every fourth user: the group is spread over the whole file.
        let ids = stack.psql("select id from users order by id")?;
        let group: Vec<String> = ids.lines().step_by(4).map(str::to_owned).collect();
        let others: HashSet<&str> = ids.lines().filter(|id| !group.iter().any(|of| of == id)).collect();
        let enough = AtomicBool::new(false);
        thread::scope(|scope| -> Result<()> {
            let flipping = scope.spawn(|| flip(&world.client, &group, &enough));
            let exported = (0..10).try_for_each(|_| -> Result<()> {
                let id = begin(&world.client, OPERATIONS, &json!({"kind": "users.export"}))?;
                let users = users_of(&world.client, &id)?;
                ensure!(users.len() == usize::try_from(USERS)?);
                let active = group.iter().filter(|id| users.get(*id) == Some(&true)).count();
                println!("{active} of {} are active", group.len());
                ensure!(active == 0 || active == group.len(), "half a transaction is seen");
                ensure!(others.iter().all(|id| users.get(*id) == Some(&true)));
                Ok(())
            });
            enough.store(true, Ordering::SeqCst);
            let flips = flipping.join().map_err(|_| anyhow::anyhow!("the writer has panicked"))??;
            println!("{flips} transactions meanwhile");
            exported?;
            ensure!(flips >= 5, "{flips}");
            Ok(())
        })
    });
}

/// Waits until an export has begun to write, and kills its worker.
fn kill_in_the_middle(world: &mut World, id: &str, least: u64) -> Result<u64> {
    wait_until("some users", PATIENCE, || {
        Ok((number(&world.client.operation(id)?, "/progress/exported") >= least).then_some(()))
    })?;
    world.worker.as_mut().context("no worker")?.kill_hard()?;
    let operation = world.client.operation(id)?;
    ensure!(at(&operation, "/state") == "running", "it was over before the worker was killed: {operation:#}");
    ensure!(at(&operation, "/file").is_null() && number(&operation, "/progress/rows_total") == 0, "{operation:#}");
    Ok(number(&operation, "/progress/exported"))
}

#[test]
fn an_export_is_whole_and_there_once_whoever_is_killed() {
    const USERS: u64 = 150_000;
    test("killed-export", |stack| {
        let mut world = World::start(stack)?;
        populated(stack, &world.client, "killed-export", USERS)?;
        let id = begin(&world.client, OPERATIONS, &json!({"kind": "users.export"}))?;
        for least in [1_000, 30_000] {
            let done = kill_in_the_middle(&mut world, &id, least)?;
            println!("killed after {done} of {USERS} users");
            world.worker = Some(stack.spawn_worker()?);
        }
        ensure!(users_of(&world.client, &id)?.len() == usize::try_from(USERS)?);
        let attempts = "select count(distinct attempt) from operation_parts";
        ensure!(count(stack, attempts)? == 1, "half a file is left");
        ensure!(count(stack, "select count(*) from operation_files")? == 1);
        let missing = "select (select bytes from operation_files) - sum(raw_length) from operation_parts";
        ensure!(count(stack, missing)? == 0);
        Ok(())
    });
}

#[test]
fn a_pause_stops_an_export_at_once_and_leaves_nothing() {
    const USERS: u64 = 150_000;
    test("paused-export", |stack| {
        let world = World::start(stack)?;
        populated(stack, &world.client, "paused-export", USERS)?;
        let id = begin(&world.client, OPERATIONS, &json!({"kind": "users.export", "format": "csv"}))?;
        wait_until("some users", PATIENCE, || {
            Ok((number(&world.client.operation(&id)?, "/progress/exported") > 0).then_some(()))
        })?;
        let path = format!("{OPERATIONS}/{id}");
        let paused = world.client.ask("POST", &format!("{path}/pause"), &[], &Value::Null)?.must_be(200)?;
        ensure!(paused.text("/state") == "paused", "{paused:#?}");
        wait_until("nothing to be left", Duration::from_secs(15), || {
            Ok((count(stack, "select count(*) from operation_parts")? == 0).then_some(()))
        })?;
        world.client.ask("POST", &format!("{path}/resume"), &[], &Value::Null)?.must_be(200)?;
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(number(&operation, "/file/rows") == USERS, "{operation:#}");
        let (_, name, text) = world.client.text(&format!("{path}/file"))?;
        ensure!(name == format!("attachment; filename=\"users-{id}.csv\""), "{name}");
        ensure!(u64::try_from(text.lines().count())? == USERS + 1);
        Ok(())
    });
}
