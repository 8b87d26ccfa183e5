use serde_json::json;

use crate::support::{Engine, World, csv, users};

const JSON: &str = "application/json";

#[tokio::test]
async fn a_few_json_users_are_answered_when_they_are_there() {
    let world = World::new();
    let body = json!({"users": [
        {"email": "Ada <ADA@x.com>", "username": "ada", "full_name": "Ada Lovelace"},
        {"email": "bob@x.com", "username": "bob", "ignored": 1},
    ]});
    let answer = world.batch(JSON, &[], body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/operations/{id}"));
    insta::assert_json_snapshot!("created", answer.json());

    let user = answer.json()["created"][0].clone();
    let got = world.get(&format!("/api/v1/users/{}", user["id"].as_str().unwrap())).await;
    assert_eq!((got.status.as_u16(), got.header("etag")), (200, "\"v1\""));
    assert_eq!(got.json(), user);
}

#[tokio::test]
async fn the_users_come_in_the_order_of_the_request() {
    let world = World::new();
    let answer = world.batch(JSON, &[], users(0..100)).await.json();
    assert_eq!((answer["total"].as_u64(), answer["message"].as_str()), (Some(100), Some("100 users created")));
    let names: Vec<_> = answer["created"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, (0..100).map(|n| json!(format!("user{n}"))).collect::<Vec<_>>());
}

#[tokio::test]
async fn bad_rows_are_all_named_and_nothing_is_created() {
    let world = World::new();
    let body = json!({"users": [
        {"email": "ok@x.com", "username": "fine"},
        {"email": "nope", "username": "x"},
        {"username": "bob"},
        7,
    ]});
    let answer = world.batch(JSON, &[], body.to_string()).await;
    let problem = answer.problem(422, "VALIDATION_ERROR");
    let found: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap(), error["row"].as_u64()))
        .collect();
    assert_eq!(
        found,
        [
            ("/users/1/email", "invalid_email", Some(2)),
            ("/users/1/username", "too_short", Some(2)),
            ("/users/2/email", "missing", Some(3)),
            ("/users/3", "invalid_json", Some(4)),
        ]
    );
    let id = problem["operation_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/api/v1/operations/{id}"));
    assert_eq!(world.store.tenant(world.tenant).users.len(), 0);
}

#[tokio::test]
async fn nothing_but_duplicates_is_a_conflict() {
    let world = World::new();
    assert_eq!(world.batch(JSON, &[], users(0..1)).await.status, 201);
    let body = json!({"users": [
        {"email": "U0@x.com", "username": "other"},
        {"email": "new@x.com", "username": "twice"},
        {"email": "newer@x.com", "username": "TWICE"},
    ]});
    let problem = world.batch(JSON, &[], body.to_string()).await.problem(409, "CONFLICT");
    let found: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["pointer"].clone(), error["code"].clone()))
        .collect();
    assert_eq!(
        found,
        [(json!("/users/0/email"), json!("duplicate")), (json!("/users/2/username"), json!("duplicate_in_file")),]
    );
}

#[tokio::test]
async fn what_can_be_done_is_done_on_request() {
    let world = World::new();
    let body = json!({"on_error": "continue", "users": [
        {"email": "a@x.com", "username": "aaa"},
        {"email": "b", "username": "bbb"},
    ]});
    let answer = world.batch_at("?on_error=abort", JSON, &[], body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let answer = answer.json();
    assert_eq!((answer["total"].as_u64(), answer["failed"].as_u64()), (Some(1), Some(1)));
    assert_eq!(answer["message"], "1 user created, 1 failed");
    assert_eq!(answer["errors"][0]["pointer"], "/users/1/email");
}

#[tokio::test]
async fn more_users_are_an_operation_to_follow() {
    let world = World::new();
    let answer = world.batch(JSON, &[], users(0..101)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (202, "1"));
    assert_eq!(answer.header("location"), answer.json()["links"]["self"].as_str().unwrap());
    let ended = world.batch(JSON, &[("prefer", "wait=30")], users(200..400)).await;
    assert_eq!((ended.status.as_u16(), ended.header("preference-applied")), (201, "wait=30"));
    assert_eq!(ended.json()["created"].as_array().unwrap().len(), 200);
}

#[tokio::test]
async fn files_are_answered_with_their_operation() {
    let world = World::new();
    let at_once = world.batch("text/csv; charset=utf-8", &[], csv(0..3)).await;
    assert_eq!(at_once.status, 202);
    let file = "username,Color,email\nada,red,ada@x.com\nbob,blue,nope\n";
    let waited = world.batch("text/csv", &[("prefer", "wait=30")], file).await;
    assert_eq!(waited.status, 200, "{}", waited.text);
    insta::assert_json_snapshot!("operation", waited.json());
    for kind in ["application/x-ndjson", "application/ndjson", "application/jsonl"] {
        let line = format!("{{\"email\":\"{kind}\"}}\n");
        let answer = world.batch(kind, &[("prefer", "wait=30")], line).await;
        assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (200, Some("failed")), "{kind}");
    }
}

#[tokio::test]
async fn preferences_are_granted_and_named() {
    let world = World::new();
    let at_once = world.batch(JSON, &[("prefer", "respond-async, return=minimal")], users(0..1)).await;
    assert_eq!((at_once.status.as_u16(), at_once.header("preference-applied")), (202, "respond-async"));
    world.set_engine(Engine::Sleeps);
    let ran_out = world.batch(JSON, &[("prefer", "respond-async"), ("prefer", "wait=0")], users(1..2)).await;
    assert_eq!((ran_out.status.as_u16(), ran_out.header("preference-applied")), (202, "respond-async, wait=0"));
    let none = world.batch(JSON, &[], users(0..101)).await;
    assert_eq!(none.header("preference-applied"), "");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_runs_out_is_an_operation_to_follow() {
    let world = World::new();
    for engine in [Engine::Sleeps, Engine::Down] {
        world.set_engine(engine);
        let before = tokio::time::Instant::now();
        let answer = world.batch(JSON, &[], users(0..1)).await;
        assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (202, Some("queued")), "{engine:?}");
        assert_eq!(before.elapsed().as_secs(), 10);
    }
}

#[tokio::test]
async fn a_repeated_key_is_the_same_operation() {
    let world = World::new();
    let key = [("idempotency-key", "abc-1")];
    let first = world.batch(JSON, &key, users(0..3)).await;
    let again = world.batch(JSON, &key, users(0..3)).await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (201, ""));
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!(first.json(), again.json());
    world.batch(JSON, &key, users(0..4)).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    world.batch_at("?send_welcome=false", JSON, &key, users(0..3)).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    // Compression does not make another request of it.
    let packed = zstd::encode_all(users(0..3).as_bytes(), 1).unwrap();
    let headers = [("idempotency-key", "abc-1"), ("content-encoding", "zstd")];
    assert_eq!(world.batch(JSON, &headers, packed).await.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn another_tenant_has_keys_and_users_of_its_own() {
    let world = World::new();
    let created = world.batch(JSON, &[("idempotency-key", "k")], users(0..1)).await.json();
    let other = world.into_tenant(8);
    let id = created["created"][0]["id"].as_str().unwrap();
    other.get(&format!("/api/v1/users/{id}")).await.problem(404, "ENTITY_NOT_FOUND");
    let operation = created["operation_id"].as_str().unwrap();
    other.get(&format!("/api/v1/operations/{operation}")).await.problem(404, "ENTITY_NOT_FOUND");
    other.get(&format!("/api/v1/operations/{operation}/rows")).await.problem(404, "ENTITY_NOT_FOUND");
    let same = other.batch(JSON, &[("idempotency-key", "k")], users(0..1)).await;
    assert_eq!((same.status.as_u16(), same.header("idempotent-replayed")), (201, ""));
}
