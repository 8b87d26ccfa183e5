//! Exports: how they begin, and their file, whole and in part.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, World, users};

const OPERATIONS: &str = "/api/v1/operations";

async fn begin(world: &World, body: Value) -> Answer {
    world.ask("POST", OPERATIONS, &[("prefer", "wait=10")], Some(body)).await
}

/// An export of a few users that has ended.
async fn exported(world: &World, format: &str) -> Value {
    for name in ["ada", "bob", "=eve"] {
        let body = json!({"email": format!("{}@x.com", name.trim_start_matches('=')), "username": name.trim_start_matches('='), "full_name": name});
        assert_eq!(world.ask("POST", "/api/v1/users", &[], Some(body)).await.status, 201);
    }
    let operation = begin(world, json!({"kind": "users.export", "format": format})).await;
    assert_eq!(operation.status, 200, "{}", operation.text);
    operation.json()
}

fn link(operation: &Value) -> &str {
    operation["links"]["file"].as_str().unwrap()
}

async fn part(world: &World, operation: &Value, headers: &[(&str, &str)]) -> Answer {
    world.ask("GET", link(operation), headers, None).await
}

#[tokio::test]
async fn an_operation_shows_its_file() {
    let world = World::new();
    let operation = exported(&world, "csv").await;
    assert_eq!((&operation["kind"], &operation["state"]), (&json!("users.export"), &json!("succeeded")));
    let (progress, file) = (&operation["progress"], &operation["file"]);
    for name in ["exported", "rows_done", "rows_total"] {
        assert_eq!(progress[name], 3, "{progress}");
    }
    assert_eq!((&progress["percent"], &progress["skipped"]), (&json!(100.0), &json!(0)));
    assert_eq!(
        (&file["href"], &file["format"], &file["rows"]),
        (&operation["links"]["file"], &json!("csv"), &json!(3))
    );
    let answer = world.get(link(&operation)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(file["bytes"], answer.text.len());
    assert_eq!(file["blake3"], *blake3::hash(answer.text.as_bytes()).to_hex());
    assert_eq!(answer.header("etag"), format!("\"{}\"", file["blake3"].as_str().unwrap()));
    assert_eq!(answer.header("content-length"), answer.text.len().to_string());
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("accept-ranges"), "bytes");
    let name = format!("attachment; filename=\"users-{}.csv\"", operation["id"].as_str().unwrap());
    assert_eq!(answer.header("content-disposition"), name);
    insta::assert_snapshot!("csv", answer.text.replace('\r', "<cr>"));
}

#[tokio::test]
async fn ndjson_is_the_default_and_a_filter_says_whom() {
    let world = World::new();
    exported(&world, "csv").await;
    let filter = json!({"kind": "users.export", "filter": {"full_name": "EVE", "is_active": true}});
    let operation = begin(&world, filter).await.json();
    let answer = world.get(link(&operation)).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    insta::assert_snapshot!("ndjson", answer.text);
    let everybody = begin(&world, json!({"kind": "users.export", "filter": {}})).await.json();
    assert_eq!(everybody["file"]["rows"], 3);
    let nobody = begin(&world, json!({"kind": "users.export", "filter": {"email": "nobody"}})).await.json();
    let answer = world.get(link(&nobody)).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-length"), &*answer.text), (200, "0", ""));
    assert_eq!(part(&world, &nobody, &[("range", "bytes=0-")]).await.header("content-range"), "bytes */0");
}

#[tokio::test]
async fn parts_are_given_by_range() {
    let world = World::new();
    let operation = exported(&world, "ndjson").await;
    let whole = world.get(link(&operation)).await;
    let (tag, length) = (whole.header("etag"), whole.text.len());
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, length),
        ("bytes=-7", length - 7, length),
        ("bytes=3-9999999", 3, length),
    ] {
        for headers in [&[("range", range)][..], &[("range", range), ("if-range", tag)]] {
            let answer = part(&world, &operation, headers).await;
            assert_eq!((answer.status.as_u16(), &*answer.text), (206, &whole.text[from..to]), "{range}");
            assert_eq!(answer.header("content-range"), format!("bytes {from}-{}/{length}", to - 1));
            assert_eq!(answer.header("content-length"), (to - from).to_string());
            assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (tag, "bytes"));
        }
    }
    for headers in [
        &[("range", "bytes=0-1,4-5")][..],
        &[("range", "bytes=x")],
        &[("range", "lines=0-1")],
        &[("range", "bytes=0-1"), ("if-range", "\"other\"")],
        &[("range", "bytes=0-1"), ("if-range", "Sat, 31 Jan 2026 12:00:00 GMT")],
    ] {
        let answer = part(&world, &operation, headers).await;
        assert_eq!((answer.status.as_u16(), &answer.text), (200, &whole.text), "{headers:?}");
        assert_eq!(answer.header("content-range"), "");
    }
    for range in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
        let answer = part(&world, &operation, &[("range", &range)]).await;
        answer.problem(416, "RANGE_NOT_SATISFIABLE");
        assert_eq!(answer.header("content-range"), format!("bytes */{length}"));
    }
}

#[tokio::test]
async fn who_has_it_gets_it_not_again_and_heads_have_no_body() {
    let world = World::new();
    let operation = exported(&world, "ndjson").await;
    let whole = world.get(link(&operation)).await;
    let tag = whole.header("etag");
    for known in [tag, "*", &format!("W/{tag}"), &format!("\"x\", {tag}")] {
        let answer = part(&world, &operation, &[("if-none-match", known), ("range", "bytes=0-1")]).await;
        assert_eq!((answer.status.as_u16(), &*answer.text, answer.header("etag")), (304, "", tag), "{known}");
    }
    assert_eq!(part(&world, &operation, &[("if-none-match", "\"x\"")]).await.status, 200);
    let head = world.ask("HEAD", link(&operation), &[], None).await;
    assert_eq!((head.status.as_u16(), &*head.text), (200, ""));
    for name in ["content-length", "content-type", "etag", "accept-ranges", "content-disposition"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let head = world.ask("HEAD", link(&operation), &[("range", "bytes=2-3")], None).await;
    assert_eq!((head.status.as_u16(), head.header("content-length")), (206, "2"));
}

#[tokio::test]
async fn what_has_no_file_says_why() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let answer = world.ask("POST", OPERATIONS, &[], Some(json!({"kind": "users.export"}))).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (202, "1"));
    let operation = answer.json();
    assert_eq!((&operation["file"], operation["links"].get("file")), (&Value::Null, None));
    assert_eq!((&operation["progress"]["rows_total"], &operation["progress"]["percent"]), (&json!(0), &json!(0.0)));
    let path = operation["links"]["self"].as_str().unwrap();
    let file = format!("{path}/file");
    let problem = world.get(&file).await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], "an export that is queued has no file: wait for its end");
    world.ask("POST", &format!("{path}/cancel"), &[], None).await;
    let problem = world.get(&file).await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], "an export that is cancelled has no file: it has ended without one");
    let problem = world.ask("POST", &format!("{path}/undo"), &[], None).await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], "an export changes nobody; there is nothing to take back");
    let rows = world.get(&format!("{path}/rows?status=all")).await.json();
    assert_eq!(rows["items"], json!([]));

    let import = world.batch("application/json", &[("prefer", "respond-async")], users(0..1)).await;
    world.get(&format!("{}/file", import.header("location"))).await.problem(404, "ENTITY_NOT_FOUND");
    world.into_tenant(8).get(&file).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn a_file_expires() {
    let world = World::new();
    let operation = exported(&world, "csv").await;
    world.clock.advance(TimeDelta::days(7));
    let problem = world.get(link(&operation)).await.problem(410, "FILE_EXPIRED");
    assert_eq!(problem["detail"], "the file has expired and was removed; export again");
    world.state.app.sweep().await.unwrap();
    world.get(link(&operation)).await.problem(410, "FILE_EXPIRED");
    let known = world.get(operation["links"]["self"].as_str().unwrap()).await.json();
    assert_eq!(known["file"], operation["file"], "that it was there is still told");
}

#[tokio::test]
async fn a_key_stands_for_one_export() {
    let world = World::new();
    let headers = [("idempotency-key", "k"), ("prefer", "wait=10")];
    let body = json!({"kind": "users.export", "format": "csv"});
    let first = world.ask("POST", OPERATIONS, &headers, Some(body.clone())).await;
    let again = world.ask("POST", OPERATIONS, &headers, Some(body)).await;
    assert_eq!((first.json()["id"].clone(), again.header("idempotent-replayed")), (again.json()["id"].clone(), "true"));
    let other = world.ask("POST", OPERATIONS, &headers, Some(json!({"kind": "users.export"}))).await;
    other.problem(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn what_makes_no_sense_is_told_where() {
    let world = World::new();
    for (body, pointer) in [
        (json!({"kind": "users.export", "format": "xlsx"}), "/format"),
        (json!({"kind": "users.export", "format": null}), "/format"),
        (json!({"kind": "users.export", "filter": []}), "/filter"),
        (json!({"kind": "users.export", "filter": {"emial": "x"}}), "/filter"),
        (json!({"kind": "users.export", "filter": {"is_active": "no"}}), "/filter/is_active"),
        (json!({"kind": "users.export", "ids": ["01981c5e-7a00-7000-8000-000000000001"]}), ""),
        (json!({"kind": "users.delete", "format": "csv", "filter": {"email": "x"}}), ""),
    ] {
        let problem = begin(&world, body.clone()).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
    }
    world.post("/api/v1/operations?kind=users.export", "text/csv", "id\n").await.problem(422, "VALIDATION_ERROR");
    assert!(world.store.tenant(world.tenant).operations.is_empty());
}
