//! Hundreds of thousands of users are changed, and that is undone, while workers are killed: nobody is missed, nobody is
//! changed twice, and who was changed by hand in between stays as they are.

use std::{io::Write as _, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::{at, number},
    rows,
    world::{count, test},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::{Value, json};

const USERS: u64 = 120_000;
const PATIENCE: Duration = Duration::from_mins(2);

fn imported(stack: &Stack, client: &Client, name: &str) -> Result<String> {
    let id = client.import_csv("send_welcome=false", &rows::csv(name, usize::try_from(USERS)?)?)?;
    let operation = client.ended(&id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    ensure!(count(stack, "select count(*) from users")? == USERS);
    Ok(id)
}

fn begin(client: &Client, path: &str, body: &Value) -> Result<String> {
    Ok(client.ask("POST", path, &[], body)?.must_be(202)?.text("/id").to_owned())
}

/// Waits until the operation has begun, kills its worker, and lets another one go on.
fn kill_in_the_middle(stack: &Stack, world: &mut World, id: &str) -> Result<()> {
    wait_until("some rows", PATIENCE, || {
        Ok((number(&world.client.operation(id)?, "/progress/rows_done") >= 20_000).then_some(()))
    })?;
    world.worker.as_mut().context("no worker")?.kill_hard()?;
    let done = number(&world.client.operation(id)?, "/progress/rows_done");
    println!("killed after {done} of {USERS} rows");
    ensure!(done < USERS, "it was over before the worker was killed");
    world.worker = Some(stack.spawn_worker()?);
    Ok(())
}

#[test]
fn a_delete_by_filter_and_its_undo_are_exact_whoever_is_killed() {
    test("changes", |stack| {
        let mut world = World::start(stack)?;
        imported(stack, &world.client, "changes")?;
        let request = json!({"kind": "users.delete", "filter": {"is_active": true}});
        let delete = begin(&world.client, "/api/v1/operations", &request)?;
        kill_in_the_middle(stack, &mut world, &delete)?;
        let operation = world.client.ended(&delete, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        ensure!(number(&operation, "/progress/changed") == USERS, "{operation:#}");
        let once = "select count(*) from users where deleted_at is not null and version = 2";
        ensure!(count(stack, once)? == USERS);
        ensure!(count(stack, "select count(*) from user_events where kind = 'deleted'")? == USERS);

        // One of them comes back by hand, and stays as they are.
        let path = "select '/api/v1/users/' || id || '/restore' from users order by id limit 1";
        world.client.ask("PUT", &stack.psql(path)?, &[], &Value::Null)?.must_be(200)?;
        let undo = begin(&world.client, &format!("/api/v1/operations/{delete}/undo"), &Value::Null)?;
        kill_in_the_middle(stack, &mut world, &undo)?;
        let operation = world.client.ended(&undo, PATIENCE)?;
        ensure!(at(&operation, "/parent_id") == delete.as_str(), "{operation:#}");
        ensure!(number(&operation, "/progress/changed") == USERS - 1, "{operation:#}");
        ensure!(number(&operation, "/progress/skipped") == 1, "{operation:#}");
        ensure!(count(stack, "select count(*) from users where deleted_at is null and version = 3")? == USERS);
        ensure!(count(stack, "select count(*) from user_events where kind = 'restored'")? == USERS);
        let parent = world.client.operation(&delete)?;
        ensure!(at(&parent, "/state") == "undone", "{parent:#}");
        // Asked again it is the same.
        let again = world.client.ask("POST", &format!("/api/v1/operations/{delete}/undo"), &[], &Value::Null)?;
        ensure!(again.must_be(200)?.text("/id") == undo);
        Ok(())
    });
}

#[test]
fn an_import_is_undone_but_for_those_whom_somebody_changed() {
    test("undo", |stack| {
        let mut world = World::start(stack)?;
        let import = imported(stack, &world.client, "undo")?;
        // Every tenth thousand is changed by another operation, by their address.
        let emails =
            stack.psql("select email from users where full_name is not null order by id offset 5000 limit 100")?;
        let csv =
            std::iter::once("email,full_name".to_owned()).chain(emails.lines().map(|email| format!("{email},Eve")));
        let csv = csv.collect::<Vec<_>>().join("\n");
        let change =
            world.client.upload("/api/v1/operations?kind=users.update&match=email", "text/csv", csv.as_bytes())?;
        let changed = world.client.ended(&change, PATIENCE)?;
        ensure!(number(&changed, "/progress/changed") == 100, "{changed:#}");

        let undo = begin(&world.client, &format!("/api/v1/operations/{import}/undo"), &Value::Null)?;
        kill_in_the_middle(stack, &mut world, &undo)?;
        let operation = world.client.ended(&undo, PATIENCE)?;
        ensure!(at(&operation, "/state") == "partially_succeeded", "{operation:#}");
        ensure!(number(&operation, "/progress/changed") == USERS - 100, "{operation:#}");
        ensure!(number(&operation, "/progress/failed") == 100, "{operation:#}");
        ensure!(count(stack, "select count(*) from users where deleted_at is null and full_name = 'Eve'")? == 100);
        ensure!(count(stack, "select count(*) from users where deleted_at is null")? == 100);
        let rows = world.client.get(&format!("/api/v1/operations/{undo}/rows?limit=1000"))?.must_be(200)?;
        let items = at(&rows.body, "/items").as_array().context("no rows")?;
        ensure!(items.len() == 100 && items.iter().all(|row| at(row, "/problems/0/code") == "changed_since"));

        // The change is undone; then nothing of the import is left but what is deleted.
        let undo = begin(&world.client, &format!("/api/v1/operations/{change}/undo"), &Value::Null)?;
        let operation = world.client.ended(&undo, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        ensure!(count(stack, "select count(*) from users where deleted_at is null and full_name = 'Eve'")? == 0);
        Ok(())
    });
}

#[test]
fn an_import_over_users_who_are_there_is_exact_whoever_is_killed() {
    test("upsert", |stack| {
        let mut world = World::start(stack)?;
        imported(stack, &world.client, "upsert")?;
        let half = usize::try_from(USERS / 2)?;
        let mut body = Vec::new();
        for n in 0..half {
            let mut user = rows::json_user("upsert", n);
            user["full_name"] = json!("Renamed");
            writeln!(body, "{user}")?;
        }
        body.extend(rows::ndjson("fresh", 0, half));
        let path = "/api/v1/users/batch?send_welcome=false&on_conflict=update";
        let id = world.client.upload(path, "application/x-ndjson", &body)?;
        kill_in_the_middle(stack, &mut world, &id)?;
        let operation = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        let (changed, created) = (number(&operation, "/progress/changed"), number(&operation, "/progress/created"));
        ensure!((changed, created) == (USERS / 2, USERS / 2), "{operation:#}");
        ensure!(count(stack, "select count(*) from users where full_name = 'Renamed' and version = 2")? == USERS / 2);
        ensure!(count(stack, "select count(*) from users")? == USERS + USERS / 2);
        Ok(())
    });
}
