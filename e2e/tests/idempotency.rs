//! A request that is sent again does its work once.

use std::{thread, time::Duration};

use anyhow::{Context as _, ensure};
use muster_e2e::{
    Upload, World, rows,
    world::{count, exactly, test, wait_for_sql},
};

const KEY: &str = "Idempotency-Key";

#[test]
fn the_same_key_and_body_give_the_same_operation_and_another_body_none() {
    test("idempotency", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        for (n, media, body) in [
            (0, "application/json", rows::json_body("json", 5).to_string().into_bytes()),
            // More than a block, so that the key is claimed long before the body has ended.
            (1, "application/x-ndjson", rows::ndjson("ndjson", 0, 10_500)),
        ] {
            let key = format!("key-{n}");
            let headers = [(KEY, key.as_str()), ("Prefer", "wait=30")];
            let first = client.post(media, "", &headers, &body)?;
            ensure!(matches!(first.status, 200 | 201), "{first:#?}");
            ensure!(first.header("idempotent-replayed").is_none(), "{first:#?}");
            let again = client.post(media, "", &headers, &body)?.must_be(first.status)?;
            ensure!(again.header("idempotent-replayed") == Some("true"), "{again:#?}");
            ensure!(again.operation()? == first.operation()?, "{again:#?}");

            let mut other = body.clone();
            other.extend_from_slice(b"\n");
            client.post(media, "", &headers, &other)?.must_be_problem(422, "IDEMPOTENCY_KEY_REUSED")?;
            let query = "send_welcome=false";
            client.post(media, query, &headers, &body)?.must_be_problem(422, "IDEMPOTENCY_KEY_REUSED")?;
        }
        ensure!(count(stack, "select count(*) from operations")? == 2);

        // Keys are a tenant's own.
        let stranger = client.with_token(Some(&stack.token(&muster_testkit::tools::random_uuid()?)?));
        let body = rows::json_body("json", 5);
        let theirs = stranger.post_json(&[(KEY, "key-0")], &body)?.must_be(201)?;
        ensure!(theirs.header("idempotent-replayed").is_none(), "{theirs:#?}");
        exactly(stack, 10_510)
    });
}

#[test]
fn a_key_whose_request_is_still_coming_in_is_in_use() {
    test("receiving", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        let media = "application/x-ndjson";
        let mut upload = Upload::begin(client, media, &[(KEY, "held")])?;
        upload.send(&rows::ndjson("held", 0, 10_001))?;
        wait_for_sql(stack, "select count(*) from idempotency_keys", "1", Duration::from_secs(20))?;
        let other = client.post(media, "", &[(KEY, "held")], &rows::ndjson("held", 0, 3))?;
        other.must_be_problem(409, "IDEMPOTENCY_KEY_IN_USE")?;
        upload.send(&rows::ndjson("held", 10_001, 12_000))?;
        let (status, text) = upload.finish()?;
        ensure!(status == 202, "{text}");

        let whole = rows::ndjson("held", 0, 12_000);
        let again = client.post(media, "", &[(KEY, "held"), ("Prefer", "wait=30")], &whole)?.must_be(200)?;
        ensure!(again.header("idempotent-replayed") == Some("true"), "{again:#?}");
        exactly(stack, 12_000)
    });
}

#[test]
fn many_requests_at_once_with_one_key_become_one_operation() {
    test("race", |stack| {
        let world = World::start(stack)?;
        for (n, rows) in [(0, 50), (1, 10_100)] {
            let key = format!("race-{n}");
            let body = rows::ndjson(&key, 0, rows);
            let answers: Vec<_> = thread::scope(|scope| {
                let post = || {
                    let headers = [(KEY, key.as_str()), ("Prefer", "wait=30")];
                    world.client.post("application/x-ndjson", "", &headers, &body)
                };
                let racing: Vec<_> = (0..6).map(|_| scope.spawn(post)).collect();
                racing.into_iter().map(|thread| thread.join().ok().context("a request panicked")).collect()
            });
            let mut done = 0;
            let mut operations = Vec::new();
            for answer in answers {
                let answer = answer??;
                // Who comes while the first is still received is told so, and may try again.
                if answer.status == 409 {
                    answer.must_be_problem(409, "IDEMPOTENCY_KEY_IN_USE")?;
                    continue;
                }
                let answer = answer.must_be(200)?;
                done += usize::from(answer.header("idempotent-replayed").is_none());
                operations.push(answer.operation()?);
            }
            operations.dedup();
            ensure!(done == 1 && operations.len() == 1, "{done} requests were the first: {operations:?}");
        }
        ensure!(count(stack, "select count(*) from operations")? == 2);
        exactly(stack, 10_150)
    });
}
