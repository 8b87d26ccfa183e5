use axum::body::Body;
use axum::http::Request;
use muster_testkit::memory::Fault;
use serde_json::{Value, json};

use crate::support::{Answer, World};

const JSON: &str = "application/json";

async fn create(world: &World, body: &Value) -> Answer {
    world.post("/api/v1/users", JSON, body.to_string()).await
}

/// Pointer and code of each error.
fn errors(problem: &Value) -> Vec<(&str, &str)> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_user_is_created_and_can_be_read() {
    let world = World::new();
    let body = json!({"email": "Ada <ADA@x.com>", "username": "ada", "full_name": "Ada Lovelace", "shoe_size": 38});
    let answer = create(&world, &body).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (201, "\"v1\""), "{}", answer.text);
    insta::assert_json_snapshot!("user", answer.json());
    let got = world.get(answer.header("location")).await;
    assert_eq!((got.status.as_u16(), got.header("etag")), (200, "\"v1\""));
    assert_eq!(got.json(), answer.json());
    let nameless = create(&world, &json!({"email": "bob@x.com", "username": "bob", "full_name": null})).await;
    assert_eq!((nameless.status.as_u16(), &nameless.json()["full_name"]), (201, &json!(null)));
    let path = format!("/api/v1/users/{}", answer.json()["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), path);
    world.into_tenant(8).get(&path).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn what_is_taken_is_named() {
    let world = World::new();
    assert_eq!(create(&world, &json!({"email": "ada@x.com", "username": "ada"})).await.status, 201);
    for (email, username, expected) in [
        ("ADA@x.com", "other", vec![("/email", "duplicate")]),
        ("other@x.com", "ADA", vec![("/username", "duplicate")]),
        ("ada@x.com", "Ada", vec![("/email", "duplicate"), ("/username", "duplicate")]),
    ] {
        let problem = create(&world, &json!({"email": email, "username": username})).await.problem(409, "CONFLICT");
        assert_eq!(errors(&problem), expected);
    }
    assert_eq!(world.store.tenant(world.tenant).users.len(), 1);
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let world = World::new();
    for (body, expected) in [
        (json!({}), vec![("/email", "missing"), ("/username", "missing")]),
        (
            json!({"email": "nope", "username": "x\n", "full_name": "\u{0}"}),
            vec![("/email", "invalid_email"), ("/username", "too_short"), ("/full_name", "control_character")],
        ),
        (json!({"email": 5, "username": "a b"}), vec![("/email", "wrong_type"), ("/username", "invalid_username")]),
        (json!({"email": "a@x.test", "username": "abc"}), vec![("/email", "invalid_email")]),
    ] {
        let problem = create(&world, &body).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(errors(&problem), expected, "{body}");
    }
    let twice = r#"{"email":"a@x.com","email":"b@x.com","username":"abc"}"#;
    let problem = world.post("/api/v1/users", JSON, twice).await.problem(422, "VALIDATION_ERROR");
    assert_eq!(errors(&problem), [("/email", "duplicate_field")]);
    assert!(world.store.tenant(world.tenant).users.is_empty());
}

#[tokio::test]
async fn other_bodies_are_refused() {
    let world = World::new();
    let good = json!({"email": "a@x.com", "username": "abc"}).to_string();
    for body in ["", "{", "[]", "null", "5", "{}{}", "\u{feff}{}"] {
        let problem = world.post("/api/v1/users", JSON, body).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(errors(&problem), [("", "invalid_json")], "{body}");
    }
    let broken = [b"{\"email\":\"".as_slice(), &[0xFF], b"\"}"].concat();
    world.post("/api/v1/users", JSON, broken).await.problem(422, "VALIDATION_ERROR");
    for kind in ["", "text/csv", "application/x-ndjson", "application/json; charset=latin1"] {
        let answer = world.post("/api/v1/users", kind, good.clone()).await;
        answer.problem(415, "UNSUPPORTED_MEDIA_TYPE");
        assert_eq!(answer.header("accept-post"), JSON);
    }
    let padded = |bytes: usize| format!("{good}{}", " ".repeat(bytes - good.len()));
    world.post("/api/v1/users", JSON, padded(65_537)).await.problem(413, "PAYLOAD_TOO_LARGE");
    let packed = Request::post("/api/v1/users")
        .header("x-tenant-token", world.token())
        .header("content-type", JSON)
        .header("content-encoding", "zstd")
        .body(Body::from(zstd::encode_all(padded(65_537).as_bytes(), 1).unwrap()));
    world.send(packed.unwrap()).await.problem(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(world.post("/api/v1/users", "application/json; charset=utf-8", padded(65_536)).await.status, 201);
}

#[tokio::test]
async fn the_database_down_is_a_503_and_nobody_is_created() {
    let world = World::new();
    for call in 1..=3 {
        world.store.fail_next(Fault::Call(call));
        let answer = create(&world, &json!({"email": "a@x.com", "username": "abc"})).await;
        answer.problem(503, "SERVICE_UNAVAILABLE");
        assert_eq!(answer.header("retry-after"), "5");
    }
    assert!(world.store.tenant(world.tenant).users.is_empty());
}
