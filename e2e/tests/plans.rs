//! Plans are applied, failed rows retried and cancelled operations undone while workers are killed: each row is accounted
//! for once.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::{at, number},
    rows,
    world::{count, exactly, test},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::{Value, json};

const USERS: u64 = 120_000;
/// Rows at the end of the file that are in its first block already.
const REPEATED: u64 = 100;
const PATIENCE: Duration = Duration::from_mins(2);

/// A file with everybody, and the first of them again.
fn file(name: &str) -> Result<Vec<u8>> {
    let mut file = rows::csv(name, usize::try_from(USERS)?)?;
    let again: Vec<u8> = file
        .split_inclusive(|byte| *byte == b'\n')
        .skip(1)
        .take(usize::try_from(REPEATED)?)
        .collect::<Vec<_>>()
        .concat();
    file.extend(again);
    Ok(file)
}

/// Kills the worker once that many rows are done, and lets another one go on.
fn kill_after(stack: &Stack, world: &mut World, id: &str, least: u64) -> Result<()> {
    wait_until("some rows", PATIENCE, || {
        Ok((number(&world.client.operation(id)?, "/progress/rows_done") >= least).then_some(()))
    })?;
    world.worker.as_mut().context("no worker")?.kill_hard()?;
    let done = number(&world.client.operation(id)?, "/progress/rows_done");
    println!("killed after {done} rows");
    ensure!(done < USERS, "it was over before the worker was killed");
    world.worker = Some(stack.spawn_worker()?);
    Ok(())
}

fn apply(client: &Client, plan: &Value) -> Result<String> {
    let path = format!("{}/apply", at(plan, "/links/self").as_str().unwrap_or_default());
    let digest = format!("\"{}\"", at(plan, "/plan/digest").as_str().context("no digest")?);
    let headers = [("if-match", digest.as_str()), ("prefer", "respond-async")];
    Ok(client.ask("POST", &path, &headers, &Value::Null)?.must_be(202)?.text("/id").to_owned())
}

#[test]
fn a_plan_and_what_comes_of_it_are_the_same_whoever_is_killed() {
    test("plans", |stack| {
        let mut world = World::start(stack)?;
        let file = file("plans")?;
        let id = world.client.import_csv("send_welcome=false&dry_run=true", &file)?;
        kill_after(stack, &mut world, &id, 10_000)?;
        let plan = world.client.ended(&id, PATIENCE)?;
        ensure!(number(&plan, "/plan/to_create") == USERS, "{plan:#}");
        ensure!(number(&plan, "/plan/to_fail") == REPEATED, "{plan:#}");
        ensure!(count(stack, "select count(*) from users")? == 0);
        ensure!(count(stack, "select count(*) from user_events")? == 0);

        let id = apply(&world.client, &plan)?;
        kill_after(stack, &mut world, &id, 10_000)?;
        let done = world.client.ended(&id, PATIENCE)?;
        ensure!(at(&done, "/state") == "partially_succeeded", "{done:#}");
        ensure!(number(&done, "/progress/created") == USERS, "{done:#}");
        exactly(stack, USERS)?;
        let failed = world.client.rows(&id, 1_000)?;
        ensure!(failed.len() == usize::try_from(REPEATED)?);
        ensure!(failed.iter().all(|row| number(row, "/row") > USERS), "the first row is to win: {failed:#?}");
        ensure!(failed.iter().all(|row| at(row, "/problems/0/code") == "duplicate_in_file"));
        // What was planned is done once.
        let again = world.client.ask(
            "POST",
            &format!("{}/apply", at(&plan, "/links/self").as_str().unwrap_or_default()),
            &[("if-match", at(&plan, "/plan/digest").as_str().unwrap_or_default())],
            &Value::Null,
        )?;
        ensure!(again.must_be(200)?.text("/id") == id);
        exactly(stack, USERS)
    });
}

#[test]
fn a_plan_of_many_rows_that_does_not_hold_any_more_does_nothing() {
    test("plan-differs", |stack| {
        let world = World::start(stack)?;
        let id = world.client.import_csv("send_welcome=false&dry_run=true", &file("differs")?)?;
        let plan = world.client.ended(&id, PATIENCE)?;
        // Somebody of the last block.
        let taken = rows::json_user("differs", usize::try_from(USERS)? - 1);
        world.client.post_json(&[], &json!({"users": [taken]}))?.must_be(201)?;
        let id = apply(&world.client, &plan)?;
        let done = world.client.ended(&id, PATIENCE)?;
        let path = format!("{}/apply", at(&plan, "/links/self").as_str().unwrap_or_default());
        let digest = at(&plan, "/plan/digest").as_str().unwrap_or_default();
        let headers = [("if-match", digest), ("prefer", "wait=60")];
        let refused = world.client.ask("POST", &path, &headers, &Value::Null)?;
        refused.must_be_problem(412, "OUTCOME_DIFFERS")?;
        ensure!(at(&done, "/error/code") == "OUTCOME_DIFFERS", "{done:#}");
        ensure!(number(&done, "/progress/rows_done") == 0, "{done:#}");
        ensure!(count(stack, "select count(*) from users")? == 1);
        Ok(())
    });
}

#[test]
fn a_retry_does_what_failed_once_and_merges_it_whoever_is_killed() {
    test("retry", |stack| {
        let mut world = World::start(stack)?;
        let file = rows::csv("retry", usize::try_from(USERS)?)?;
        let update = world.client.upload("/api/v1/operations?kind=users.update&match=email", "text/csv", &file)?;
        let failed = world.client.ended(&update, PATIENCE)?;
        ensure!(number(&failed, "/progress/failed") == USERS, "{failed:#}");
        let import = world.client.import_csv("send_welcome=false", &file)?;
        world.client.ended(&import, PATIENCE)?;
        stack.psql("update users set full_name = 'somebody else'")?;

        let path = format!("/api/v1/operations/{update}/retry");
        let retry = world.client.ask("POST", &path, &[], &Value::Null)?.must_be(202)?.text("/id").to_owned();
        world.client.ask("POST", &path, &[], &Value::Null)?.must_be_problem(409, "BUSINESS_RULE_VIOLATION")?;
        kill_after(stack, &mut world, &retry, 10_000)?;
        let done = world.client.ended(&retry, PATIENCE)?;
        ensure!(number(&done, "/progress/changed") == USERS, "{done:#}");
        ensure!(
            count(stack, "select count(*) from users where version = 2 and full_name <> 'somebody else'")? == USERS
        );
        let merged = world.client.operation(&update)?;
        ensure!(number(&merged, "/merged/changed") == USERS && number(&merged, "/merged/failed") == 0, "{merged:#}");
        ensure!(world.client.rows(&update, 1_000)?.is_empty());
        Ok(())
    });
}

#[test]
fn what_a_cancelled_operation_had_done_is_undone_whoever_is_killed() {
    test("cancel-undo", |stack| {
        let mut world = World::start(stack)?;
        for who_dies in ["worker", "api"] {
            let id = world.client.import_csv("send_welcome=false", &rows::csv(who_dies, usize::try_from(USERS)?)?)?;
            wait_until("some rows", PATIENCE, || {
                Ok((number(&world.client.operation(&id)?, "/progress/rows_done") >= 20_000).then_some(()))
            })?;
            if who_dies == "worker" {
                let path = format!("/api/v1/operations/{id}/cancel?on_cancel=undo");
                let cancelled = world.client.ask("POST", &path, &[], &Value::Null)?.must_be(200)?;
                ensure!(cancelled.header("link").is_some_and(|link| link.ends_with("rel=\"undo\"")), "{cancelled:#?}");
                world.worker.as_mut().context("no worker")?.kill_hard()?;
                world.worker = Some(stack.spawn_worker()?);
            } else {
                // What is stored when it dies after the cancel.
                stack.psql(&format!(
                    "update operations set state = 'cancelled', finished_at = now(), undo_asked = true where id = '{id}'"
                ))?;
            }
            wait_until("the undo", PATIENCE, || {
                Ok((at(&world.client.operation(&id)?, "/state") == "undone").then_some(()))
            })?;
            ensure!(count(stack, "select count(*) from users where deleted_at is null")? == 0);
            let children = format!("select count(*) from operations where parent_id = '{id}'");
            ensure!(count(stack, &children)? == 1);
        }
        Ok(())
    });
}
