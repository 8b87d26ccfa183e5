//! Tasks by the hundred thousand are made, begun and put back, while workers are killed: none is missed, and none is moved
//! twice. And who is deleted has no open tasks, however they meet.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, World,
    client::{at, number},
    world::{count, test},
};
use muster_testkit::{stack::Stack, tools::wait_until};
use serde_json::{Value, json};

const TASKS: u64 = 100_000;
const PATIENCE: Duration = Duration::from_mins(2);

fn csv() -> Vec<u8> {
    let mut file = b"title,priority,due_at,tags\n".to_vec();
    for n in 0..TASKS {
        file.extend_from_slice(format!("Task {n},high,2040-01-01T00:00:00Z,a;b\n").as_bytes());
    }
    file
}

fn begin(client: &Client, path: &str, body: &Value) -> Result<String> {
    Ok(client.ask("POST", path, &[], body)?.must_be(202)?.text("/id").to_owned())
}

/// Waits until the operation has begun, kills its worker, and lets another one go on to the end.
fn ended_though_killed(stack: &Stack, world: &mut World, id: &str) -> Result<Value> {
    wait_until("some rows", PATIENCE, || {
        Ok((number(&world.client.operation(id)?, "/progress/rows_done") >= 10_000).then_some(()))
    })?;
    world.worker.as_mut().context("no worker")?.kill_hard()?;
    let done = number(&world.client.operation(id)?, "/progress/rows_done");
    println!("killed after {done} of {TASKS} rows");
    ensure!(done < TASKS, "it was over before the worker was killed");
    world.worker = Some(stack.spawn_worker()?);
    let operation = world.client.ended(id, PATIENCE)?;
    ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
    Ok(operation)
}

#[test]
fn imports_moves_and_undos_of_tasks_are_exact_whoever_is_killed() {
    test("tasks", |stack| {
        let mut world = World::start(stack)?;
        let import = world.client.upload("/api/v1/tasks/batch", "text/csv", &csv())?;
        let operation = ended_though_killed(stack, &mut world, &import)?;
        ensure!(number(&operation, "/progress/created") == TASKS, "{operation:#}");
        ensure!(count(stack, "select count(distinct title) from tasks where version = 1 and tags = '{a,b}'")? == TASKS);

        let start = json!({"kind": "tasks.start", "filter": {"status": "todo"}});
        let start = begin(&world.client, "/api/v1/operations", &start)?;
        ended_though_killed(stack, &mut world, &start)?;
        ensure!(count(stack, "select count(*) from tasks where status = 'in_progress' and version = 2")? == TASKS);

        let undo = begin(&world.client, &format!("/api/v1/operations/{start}/undo"), &Value::Null)?;
        ended_though_killed(stack, &mut world, &undo)?;
        ensure!(count(stack, "select count(*) from tasks where status = 'todo' and version = 3")? == TASKS);
        let parent = world.client.operation(&start)?;
        ensure!(at(&parent, "/state") == "undone", "{parent:#}");
        Ok(())
    });
}

#[test]
fn nobody_who_is_deleted_keeps_an_open_task() {
    test("orphans", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        for round in 0..10 {
            let id = client.create(&format!("leaver{round}"))?;
            let user = format!("/api/v1/users/{id}");
            let body = json!({"title": "Last words", "assignee_id": id});
            // Given to them at the very moment in which they go.
            let given = thread::scope(|scope| {
                let makers: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            (0..10).map(|_| client.ask("POST", "/api/v1/tasks", &[], &body)).collect::<Result<Vec<_>>>()
                        })
                    })
                    .collect();
                client.ask("DELETE", &user, &[], &Value::Null)?.must_be(204)?;
                makers
                    .into_iter()
                    .map(|maker| maker.join().ok().context("a maker panicked")?)
                    .collect::<Result<Vec<_>>>()
            })?;
            ensure!(
                given.iter().flatten().all(|answer| matches!(answer.status, 201 | 422)),
                "neither made nor refused"
            );
        }
        let orphans =
            "select count(*) from tasks t join users u on u.id = t.assignee_id where u.deleted_at is not null";
        ensure!(count(stack, orphans)? == 0, "a deleted user has an open task");
        ensure!(
            count(stack, "select count(*) from tasks where assignee_id is null")? > 0,
            "nobody was given a task in time"
        );
        Ok(())
    });
}
