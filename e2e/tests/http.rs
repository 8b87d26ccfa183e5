//! `POST /api/v1/users/batch` as its clients see it: answers, waiting, conflicts, limits.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use muster_e2e::{
    Client, Upload, World,
    client::{at, number},
    rows,
    world::{count, exactly, nothing_stored, test},
};
use muster_testkit::tools::wait_until;
use serde_json::{Value, json};

#[test]
fn few_json_users_are_answered_when_they_are_there() {
    test("http-small", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        let body = rows::json_body("small", 100);
        let answer = client.post_json(&[], &body)?.must_be(201)?;
        let emails = |value: &Value, list: &str| -> Vec<Value> {
            let users = at(value, list).as_array().into_iter().flatten();
            users.map(|user| at(user, "/email").clone()).collect()
        };
        ensure!(emails(&answer.body, "/created") == emails(&body, "/users"), "not in the order of the request");
        ensure!(number(&answer.body, "/total") == 100, "{answer:#?}");
        ensure!(answer.text("/message") == "100 users created", "{answer:#?}");
        let id = answer.operation()?;
        ensure!(answer.header("location") == Some(&format!("/api/v1/operations/{id}")), "{answer:#?}");
        let operation = client.mailed(&id, Duration::from_secs(30))?;
        ensure!(at(&operation, "/state") == "succeeded" && number(&operation, "/progress/mails_sent") == 100);
        stack.mail.wait_for(100, Duration::from_secs(10))?;

        let user = client.get(&format!("/api/v1/users/{}", answer.text("/created/0/id")))?.must_be(200)?;
        ensure!(&user.body == answer.at("/created/0"), "{user:#?}");
        ensure!(user.header("etag") == Some("\"v1\""), "{user:#?}");

        // One user too many for an answer at once.
        let answer = client.post_json(&[], &rows::json_body("more", 101))?.must_be(202)?;
        ensure!(answer.header("retry-after").is_some() && answer.header("location").is_some(), "{answer:#?}");
        client.ended(&answer.operation()?, Duration::from_secs(30))?;
        exactly(stack, 201)
    });
}

#[test]
fn json_users_are_made_all_or_none_and_every_bad_one_is_named() {
    test("http-abort", |stack| {
        let world = World::start(stack)?;
        let client = &world.client;
        client.post_json(&[], &rows::json_body("there", 2))?.must_be(201)?;
        let new = |n| rows::json_user("new", n);
        let there = |n| rows::json_user("there", n);

        let body = json!({ "users": [new(0), there(0), new(1), new(1), there(1)] });
        let conflict = client.post_json(&[], &body)?.must_be_problem(409, "CONFLICT")?;
        ensure!(named(&conflict.body) == [2, 4, 5], "{conflict:#?}");
        ensure!(conflict.text("/errors/0/pointer").starts_with("/users/1/"), "{conflict:#?}");

        let bad = json!({"email": "nobody", "username": "n"});
        let body = json!({ "users": [new(0), bad, there(0), {"username": "nameless"}] });
        let invalid = client.post_json(&[], &body)?.must_be_problem(422, "VALIDATION_ERROR")?;
        ensure!(named(&invalid.body) == [2, 3, 4], "{invalid:#?}");
        let operation = client.operation(&invalid.operation()?)?;
        ensure!(at(&operation, "/state") == "failed" && number(&operation, "/progress/created") == 0);
        exactly(stack, 2)?;

        // Unless the client wants what can be had.
        let body = json!({ "users": [new(0), bad, new(1)], "on_error": "continue", "send_welcome": false });
        let partly = client.post_json(&[], &body)?.must_be(201)?;
        ensure!(number(&partly.body, "/total") == 2 && number(&partly.body, "/failed") == 1, "{partly:#?}");
        ensure!(named(&partly.body) == [2], "{partly:#?}");
        exactly(stack, 4)
    });
}

/// Rows that an answer finds fault with, each once.
fn named(body: &Value) -> Vec<u64> {
    let errors = at(body, "/errors").as_array().into_iter().flatten();
    let mut rows: Vec<u64> = errors.map(|error| number(error, "/row")).collect();
    rows.dedup();
    rows
}

#[test]
fn a_client_waits_as_long_as_it_prefers() {
    test("http-prefer", |stack| {
        let mut world = World::start(stack)?;
        let client = &world.client;
        let at_once = client.post_json(&[("Prefer", "respond-async")], &rows::json_body("at-once", 3))?.must_be(202)?;
        ensure!(at_once.header("preference-applied") == Some("respond-async"), "{at_once:#?}");
        let id = at_once.operation()?;
        ensure!(at_once.header("location") == Some(&format!("/api/v1/operations/{id}")), "{at_once:#?}");
        client.ended(&id, Duration::from_secs(30))?;

        let body = rows::ndjson("waited", 0, 1_000);
        let waited = client.post("application/x-ndjson", "", &[("Prefer", "wait=10")], &body)?.must_be(200)?;
        ensure!(waited.header("preference-applied") == Some("wait=10"), "{waited:#?}");
        ensure!(waited.text("/state") == "succeeded" && number(&waited.body, "/progress/created") == 1_000);

        // Nobody does the work: the wait runs out.
        world.worker = None;
        let begin = Instant::now();
        let late = client.post_json(&[("Prefer", "wait=1")], &rows::json_body("late", 3))?.must_be(202)?;
        ensure!(late.header("preference-applied") == Some("wait=1"), "{late:#?}");
        ensure!(late.text("/state") == "queued", "{late:#?}");
        let took = begin.elapsed();
        ensure!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&took), "wait=1 took {took:.1?}");
        world.worker = Some(stack.spawn_worker()?);
        client.ended(&late.operation()?, Duration::from_secs(30))?;
        exactly(stack, 1_006)
    });
}

#[test]
fn more_than_may_be_sent_is_refused_and_leaves_nothing() {
    const MOST: usize = 3_000_000;
    test("http-limits", |stack| {
        let most = MOST.to_string();
        let api = [("UPLOAD_MAX_BYTES", most.as_str()), ("UPLOAD_MAX_ROWS", "15000")];
        let world = World::start_with(stack, &api, None)?;
        let client = &world.client;
        let too_large = |client: &Client, media, headers: &[(&str, &str)], body: &[u8]| -> Result<()> {
            client.post(media, "", headers, body)?.must_be_problem(413, "PAYLOAD_TOO_LARGE").map(drop)
        };
        let json = rows::json_body("limits", 10_001).to_string();
        too_large(client, "application/json", &[], json.as_bytes())?;
        too_large(client, "text/csv", &[], &vec![b'x'; MOST + 1])?;
        too_large(client, "application/x-ndjson", &[], &rows::ndjson("limits", 0, 15_001))?;
        // A few hundred bytes that would become a gigabyte.
        let bomb = bomb()?;
        ensure!(bomb.len() < MOST / 10, "{} bytes are no bomb", bomb.len());
        too_large(client, "text/csv", &[("Content-Encoding", "zstd")], &bomb)?;
        // Not announced, and well beyond the first block.
        let mut upload = Upload::begin(client, "application/x-ndjson", &[("Idempotency-Key", "large")])?;
        upload.send(&rows::ndjson("limits", 0, 14_000))?;
        upload.send(&vec![b' '; MOST])?;
        let (status, text) = upload.finish()?;
        ensure!(status == 413, "{text}");
        wait_until("the refused uploads to be removed", Duration::from_secs(10), || {
            Ok(nothing_stored(stack)?.then_some(()))
        })
    });
}

/// 1 GiB of a CSV header, compressed.
fn bomb() -> Result<Vec<u8>> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1)?;
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'x'), 1 << 30), &mut encoder)?;
    Ok(encoder.finish()?)
}

#[test]
fn a_request_that_makes_no_sense_is_told_why() {
    test("http-nonsense", |stack| {
        let world = World::start_with(stack, &[], None)?;
        let client = &world.client;
        let body = rows::json_body("nonsense", 1).to_string();
        let body = body.as_bytes();
        let media = client.post("application/xml", "", &[], body)?;
        let media = media.must_be_problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
        ensure!(media.header("accept-post").is_some_and(|value| value.contains("text/csv")), "{media:#?}");
        let encoding = client.post("application/json", "", &[("Content-Encoding", "br")], body)?;
        encoding.must_be_problem(415, "UNSUPPORTED_MEDIA_TYPE")?;
        for query in ["on_error=stop", "send_welcome=maybe"] {
            client.post("text/csv", query, &[], b"x")?.must_be_problem(422, "VALIDATION_ERROR")?;
        }
        client.post("application/json", "", &[("Idempotency-Key", "two words")], body)?.must_be(422)?;
        client.get("/api/v1/operations/7")?.must_be_problem(422, "VALIDATION_ERROR")?;
        client.get("/api/v1/nowhere")?.must_be_problem(404, "ENTITY_NOT_FOUND")?;
        ensure!(nothing_stored(stack)?, "nonsense has left something");

        // Every answer that is a problem can be found in the log.
        let problem = client.get("/api/v1/nowhere")?;
        let trace = problem.at("/trace_id").as_str().context("a problem has no trace id")?;
        let log = std::fs::read_to_string(stack.home().join("log/api.log"))?;
        ensure!(log.contains(trace), "{trace} is not in the log");
        ensure!(count(stack, "select count(*) from users")? == 0);
        Ok(())
    });
}
