//! Services that go away and come back cost time, and nothing else.

use std::time::Duration;

use anyhow::{Result, ensure};
use muster_e2e::{
    Client, Upload, World,
    client::{at, number},
    rows,
    world::{count, exactly, test, test_durable, wait_for_sql},
};
use muster_testkit::{
    process::{Program, Service},
    tools::{random_uuid, wait_until},
};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `/health/ready` has this status and says this of each part.
fn wait_for_health(service: &Service, status: u16, parts: &[(&str, &str)]) -> Result<()> {
    let mut last = String::new();
    let as_expected = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        parts.iter().all(|(name, how)| at(&body, &format!("/{name}")).as_str().is_some_and(|is| is.starts_with(how)))
    };
    wait_until("/health/ready to know", PATIENCE, || {
        let Ok((found, body)) = service.get("/health/ready") else { return Ok(None) };
        let known = found == status && as_expected(&body);
        last = format!("{found} {body}");
        Ok(known.then_some(()))
    })
    .map_err(|error| error.context(format!("wanted {status} {parts:?}; last answer: {last}")))
}

#[test]
fn both_programs_start_while_everything_is_down_and_become_ready_when_it_comes() {
    test("cold-start", |stack| {
        stack.postgres.stop()?;
        stack.redis.stop()?;
        stack.temporal.stop()?;
        let mut worker = stack.spawn(Program::Worker, "worker", &[])?;
        let mut api = stack.spawn(Program::Api, "api", &[])?;
        let down = [("status", "unavailable"), ("database", "down"), ("redis", "down"), ("temporal", "down")];
        for service in [&api, &worker] {
            wait_for_health(service, 503, &down)?;
            ensure!(service.get("/health/live")?.0 == 200, "a process that waits is alive");
        }
        let client = Client::new(&api.url(), Some(&stack.token(&random_uuid()?)?));
        client.post_json(&[], &rows::json_body("cold", 2))?.must_be_problem(503, "SERVICE_UNAVAILABLE")?;

        // One after another. The API needs only the database.
        stack.postgres.start_again()?;
        let parts = [("status", "degraded"), ("database", "up"), ("redis", "down"), ("temporal", "down")];
        wait_for_health(&api, 200, &parts)?;
        wait_for_health(&worker, 503, &[("database", "up"), ("temporal", "down")])?;
        let queued = client.post_json(&[("Prefer", "respond-async")], &rows::json_body("cold", 2))?.must_be(202)?;
        stack.temporal.start_again()?;
        wait_for_health(&worker, 200, &[("database", "up"), ("redis", "down"), ("temporal", "up")])?;
        stack.redis.start_again()?;
        for service in [&mut api, &mut worker] {
            wait_for_health(service, 200, &[("status", "ok"), ("redis", "up")])?;
            ensure!(service.is_running()?);
        }
        client.post_json(&[], &rows::json_body("warm", 2))?.must_be(201)?;
        client.ended(&queued.operation()?, PATIENCE)?;
        exactly(stack, 4)
    });
}

#[test]
fn what_is_taken_while_temporal_is_down_is_done_when_it_is_back() {
    test_durable("no-temporal", |stack| {
        let worker = [("OPERATION_STALLED_AFTER_SECONDS", "1")];
        let mut world = World::start_with(stack, &[], Some(&worker))?;
        world.client.post_json(&[], &rows::json_body("before", 2))?.must_be(201)?;
        stack.temporal.kill_hard()?;
        let small = rows::json_body("small", 50);
        let small = world.client.post_json(&[("Prefer", "respond-async")], &small)?.must_be(202)?.operation()?;
        let large = world.client.import_csv("send_welcome=false", &rows::csv("large", 11_000)?)?;
        wait_for_health(&world.api, 200, &[("status", "degraded"), ("temporal", "down")])?;
        // The process that took them is not needed for them to be done.
        world.api.kill_hard()?;
        stack.temporal.start_again()?;
        world.replace_api(stack)?;
        for id in [small, large] {
            let operation = world.client.ended(&id, PATIENCE)?;
            ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        }
        world.client.post_json(&[], &rows::json_body("after", 2))?.must_be(201)?;
        exactly(stack, 11_054)
    });
}

#[test]
fn while_postgres_is_down_clients_are_told_to_come_again_and_nothing_is_half_done() {
    test("no-postgres", |stack| {
        let worker = [("UPLOAD_ABANDONED_AFTER_SECONDS", "1")];
        let world = World::start_with(stack, &[], Some(&worker))?;
        let client = &world.client;
        let mut upload = Upload::begin(client, "application/x-ndjson", &[("Idempotency-Key", "cut")])?;
        upload.send(&rows::ndjson("cut", 0, 15_000))?;
        wait_for_sql(stack, "select count(*) from operation_blocks", "1", PATIENCE)?;
        stack.postgres.stop()?;

        upload.send(&rows::ndjson("cut", 15_000, 25_000))?;
        let (status, text) = upload.finish()?;
        ensure!(status == 503 && text.to_lowercase().contains("retry-after:"), "{text}");
        for answer in [
            client.post_json(&[], &rows::json_body("down", 3))?,
            client.post_json(&[("Idempotency-Key", "k")], &rows::json_body("down", 3))?,
            client.get(&format!("/api/v1/operations/{}", random_uuid()?))?,
            client.get(&format!("/api/v1/users/{}", random_uuid()?))?,
        ] {
            let answer = answer.must_be_problem(503, "SERVICE_UNAVAILABLE")?;
            ensure!(answer.header("retry-after").is_some(), "{answer:#?}");
        }
        wait_for_health(&world.api, 503, &[("database", "down")])?;

        stack.postgres.start_again()?;
        wait_for_sql(stack, "select count(*) from operations", "0", PATIENCE)?;
        ensure!(count(stack, "select count(*) from idempotency_keys")? == 0, "a key stands for nothing");
        client.post_json(&[("Idempotency-Key", "k")], &rows::json_body("down", 3))?.must_be(201)?;
        exactly(stack, 3)
    });
}

#[test]
fn a_postgres_that_crashes_during_an_import_costs_no_row() {
    test("postgres-crash", |stack| {
        const USERS: u64 = 50_000;
        let world = World::start(stack)?;
        let id = world.client.import_csv("", &rows::csv("crash", usize::try_from(USERS)?)?)?;
        for step in ["rows_done", "mails_sent"] {
            let moved = || Ok((number(&world.client.operation(&id)?, &format!("/progress/{step}")) > 0).then_some(()));
            wait_until(step, PATIENCE, moved)?;
            stack.postgres.kill_hard()?;
            wait_for_health(&world.api, 503, &[("database", "down")])?;
            stack.postgres.start_again()?;
            wait_for_health(&world.api, 200, &[("database", "up")])?;
        }
        let operation = world.client.mailed(&id, Duration::from_mins(2))?;
        ensure!(at(&operation, "/state") == "succeeded", "{operation:#}");
        exactly(stack, USERS)?;
        let mails = stack.mail.messages();
        let distinct: std::collections::HashSet<_> = mails.iter().map(|mail| &mail.message_id).collect();
        ensure!(distinct.len() == usize::try_from(USERS)?, "{} users got mail", distinct.len());
        // A group that was sent but could not be recorded is sent again.
        ensure!(mails.len() - distinct.len() <= 100, "{} mails were repeated", mails.len() - distinct.len());
        Ok(())
    });
}

#[test]
fn without_redis_everything_is_as_it_was() {
    test("no-redis", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        let user = |answer: &muster_e2e::Answer| format!("/api/v1/users/{}", answer.text("/created/0/id"));
        let before = client.post_json(&[], &rows::json_body("with", 3))?.must_be(201)?;
        let found = client.get(&user(&before))?.must_be(200)?;
        stack.redis.kill_hard()?;
        ensure!(client.get(&user(&before))?.must_be(200)?.body == found.body, "another user without Redis");
        let without = client.post_json(&[], &rows::json_body("without", 3))?.must_be(201)?;
        client.get(&user(&without))?.must_be(200)?;
        wait_for_health(&world.api, 200, &[("status", "degraded"), ("redis", "down")])?;
        stack.redis.start_again()?;
        wait_for_health(&world.api, 200, &[("status", "ok")])?;
        ensure!(client.get(&user(&before))?.must_be(200)?.body == found.body, "another user after Redis was back");
        exactly(stack, 6)
    });
}
