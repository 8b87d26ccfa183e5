use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{StreamExt, stream};
use muster_testkit::memory::Fault;

use crate::support::{World, csv, users};

const JSON: &str = "application/json";
const CSV: &str = "text/csv";

#[tokio::test]
async fn unreadable_bodies_are_refused_and_leave_nothing() {
    let world = World::new();
    for (kind, body, pointer, code) in [
        (JSON, "", "", "invalid_json"),
        (JSON, "{}", "", "missing_users"),
        (JSON, "{\"users\":[", "/users/0", "invalid_json"),
        (JSON, "{\"users\":[{]}", "/users/0", "invalid_json"),
        (JSON, "[]", "", "invalid_json"),
        (CSV, "", "", "empty"),
        (CSV, "a,b\n1,2\n", "", "csv_header"),
    ] {
        let problem = world.batch(kind, &[], body).await.problem(422, "VALIDATION_ERROR");
        let found = &problem["errors"][0];
        assert_eq!(found["code"], code, "{body}: {problem}");
        if found["line"].is_null() {
            assert_eq!(found["pointer"], "", "{body}: {problem}");
        } else if kind == JSON {
            assert_eq!(found["pointer"], pointer, "{body}: {problem}");
        }
    }
    for (kind, body) in [(JSON, "{\"users\":[]}"), (CSV, "email,username\n"), ("application/x-ndjson", "\n")] {
        world.batch(kind, &[], body).await.problem(422, "VALIDATION_ERROR");
    }
    assert!(world.store.tenant(world.tenant).operations.is_empty());
}

#[tokio::test]
async fn options_and_headers_are_checked_by_name() {
    let world = World::new();
    for (query, pointer) in [
        ("?on_error=stop", "/query/on_error"),
        ("?send_welcome=perhaps", "/query/send_welcome"),
        ("?on_error=abort&on_error=abort", "/query/on_error"),
    ] {
        let problem = world.batch_at(query, JSON, &[], users(0..1)).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
        assert!(problem["detail"].as_str().unwrap().contains(pointer.rsplit('/').next().unwrap()));
    }
    let body = r#"{"users":[{"email":"a@x.com","username":"abc"}],"send_welcome":"no"}"#;
    let problem = world.batch(JSON, &[], body).await.problem(422, "VALIDATION_ERROR");
    assert_eq!(problem["errors"][0]["pointer"], "/send_welcome");
    let long = "x".repeat(256);
    for key in ["", "two words", long.as_str()] {
        let problem =
            world.batch(JSON, &[("idempotency-key", key)], users(0..1)).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], "/header/Idempotency-Key");
    }
    let twice = [("idempotency-key", "a"), ("idempotency-key", "b")];
    world.batch(JSON, &twice, users(0..1)).await.problem(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn other_kinds_of_body_are_refused() {
    let world = World::new();
    for kind in ["text/plain", "application/xml", "text/csv; charset=utf-16", ""] {
        let answer = world.batch(kind, &[], "x").await;
        answer.problem(415, "UNSUPPORTED_MEDIA_TYPE");
        assert!(answer.header("accept-post").contains("text/csv"));
    }
    let answer = world.batch(JSON, &[("content-encoding", "br")], "x").await;
    answer.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    assert_eq!(answer.header("accept-encoding"), "gzip, zstd");
    world.batch(JSON, &[("content-encoding", "gzip")], "no gzip").await.problem(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn too_much_is_too_much_and_leaves_nothing() {
    let mut world = World::new();
    world.batch(JSON, &[], users(0..10_001)).await.problem(413, "PAYLOAD_TOO_LARGE");
    world.batch(CSV, &[], csv(0..30_001)).await.problem(413, "PAYLOAD_TOO_LARGE");
    world.batch_at("?on_error=abort", CSV, &[], csv(0..10_001)).await.problem(422, "VALIDATION_ERROR");
    world.state.limits.file_bytes = 1000;
    let packed = zstd::encode_all(csv(0..1000).as_bytes(), 1).unwrap();
    world.batch(CSV, &[("content-encoding", "zstd")], packed).await.problem(413, "PAYLOAD_TOO_LARGE");
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let world = World::new();
    let start = || stream::iter([Ok(Bytes::from(csv(0..25_000)))]);
    let cut = start().chain(stream::iter([Err(std::io::Error::other("gone"))]));
    assert_eq!(world.batch(CSV, &[("idempotency-key", "k")], Body::from_stream(cut)).await.status, 400);
    nothing_is_left(&world).await;

    // The connection is gone, and with it the handler.
    let silent = start().chain(stream::pending::<std::io::Result<Bytes>>());
    let request = world.batch(CSV, &[("idempotency-key", "k")], Body::from_stream(silent));
    assert!(tokio::time::timeout(Duration::from_millis(300), request).await.is_err());
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let mut world = World::new();
    world.state.limits.idle = Duration::from_millis(50);
    let silent = stream::iter([Ok(Bytes::from(csv(0..25_000)))]).chain(stream::pending::<std::io::Result<Bytes>>());
    world.batch(CSV, &[], Body::from_stream(silent)).await.problem(408, "REQUEST_TIMEOUT");
    nothing_is_left(&world).await;
}

#[tokio::test]
async fn the_database_down_is_a_503_that_says_when_to_try_again() {
    let world = World::new();
    for call in 1..=4 {
        world.store.fail_next(Fault::Call(call));
        let answer = world.batch(JSON, &[("prefer", "respond-async")], users(0..1)).await;
        if !world.store.heal() {
            let problem = answer.problem(503, "SERVICE_UNAVAILABLE");
            assert_eq!(answer.header("retry-after"), "5");
            assert!(!problem.to_string().contains("cut by the test"), "{problem}");
        }
    }
    nothing_is_left(&world).await;
}

/// What a dropped upload takes back, it takes back in the background.
async fn nothing_is_left(world: &World) {
    for _ in 0..200 {
        let stored = world.store.tenant(world.tenant);
        if stored.operations.is_empty() && stored.keys.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something is left: {:?}", world.store.tenant(world.tenant).operations.keys());
}
