//! What partners tell and ask for, and what becomes of it.

use std::time::Duration;

use chrono::TimeDelta;
use muster_application::Context;
use muster_application::partners::PartnerWithSecret;
use muster_domain::OperationId;
use serde_json::{Value, json};

use crate::partners::{Ask, WEBHOOK, created, get};
use crate::support::{Answer, Engine, World};

const SYNC: &str = "/api/v1/partners/sync";
const WAIT: Duration = Duration::from_secs(10);

impl World {
    /// Tells an event; each `n` makes another signature.
    async fn tell(&self, made: &PartnerWithSecret, n: u32, body: &Value) -> Answer {
        let path = format!("{WEBHOOK}?n={n}");
        self.signed(&Ask { path: &path, method: "POST", body: body.to_string().into(), ..get(made) }).await
    }
}

#[tokio::test]
async fn an_event_is_kept_and_done_once_and_seen_by_its_tenant() {
    let world = World::new();
    let made = world.partner("").await;
    let first = world.tell(&made, 1, &created("evt_1")).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(first.json(), json!({ "received": true, "event_id": "evt_1", "message": "Webhook event received" }));
    assert_eq!(world.tell(&made, 2, &created("evt_1")).await.json(), first.json());
    let listed = world.get("/api/v1/partners/events").await.json();
    insta::assert_json_snapshot!("partner_events", listed);
    let operation = listed["items"][0]["operation_id"].as_str().unwrap();
    let operation = world.get(&format!("/api/v1/operations/{operation}")).await.json();
    assert_eq!(
        (&operation["kind"], &operation["progress"]["rows_total"]),
        (&json!("users.import"), &json!(1)),
        "{operation}"
    );
    let other = world.into_tenant(8);
    assert_eq!(other.get("/api/v1/partners/events").await.json()["items"], json!([]));
}

#[tokio::test]
async fn an_event_is_kept_although_the_engine_is_down() {
    let world = World::new();
    let made = world.partner("").await;
    world.set_engine(Engine::Down);
    assert_eq!(world.tell(&made, 1, &created("evt_1")).await.status, 200);
    let listed = world.get("/api/v1/partners/events").await.json();
    assert_eq!(listed["items"][0]["state"], json!("received"));
    world.set_engine(Engine::Runs);
    world.clock.advance(TimeDelta::minutes(1));
    world.state.app.sweep().await.unwrap();
    let listed = world.get("/api/v1/partners/events").await.json();
    assert_eq!(listed["items"][0]["state"], json!("processed"));
}

#[tokio::test]
async fn what_is_wrong_with_an_event_is_said_with_its_place() {
    let world = World::new();
    let made = world.partner("").await;
    let wrong = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let with = |name: &str, value: Value| {
        let mut body = created("1");
        body[name] = value;
        body
    };
    let all = vec![wrong("/event_type", "missing"), wrong("/event_id", "missing"), wrong("/data", "missing")];
    for (n, (body, errors)) in (1..).zip([
        (json!({}), all),
        (json!([]), vec![wrong("", "invalid_json")]),
        (with("event_id", json!("")), vec![wrong("/event_id", "invalid_length")]),
        (with("event_id", json!("x".repeat(256))), vec![wrong("/event_id", "invalid_length")]),
        (with("event_id", json!("a\nb")), vec![wrong("/event_id", "invalid_characters")]),
        (with("event_type", json!(5)), vec![wrong("/event_type", "wrong_type")]),
        (with("data", json!("x")), vec![wrong("/data", "wrong_type")]),
        (with("data", json!({ "a": [{ "b": "\0" }] })), vec![wrong("/data", "invalid_characters")]),
        (with("data", json!({ "a\0": 1 })), vec![wrong("/data", "invalid_characters")]),
    ]) {
        let answer = world.tell(&made, n, &body).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), errors, "{body}");
    }
    assert_eq!(world.get("/api/v1/partners/events").await.json()["items"], json!([]));
}

#[tokio::test]
async fn entities_are_synchronised_by_an_operation_that_the_tenant_follows() {
    let world = World::new();
    let made = world.partner("").await;
    let ada = world.make("ada").await.rsplit('/').next().unwrap().to_owned();
    let body = json!({ "entity_type": "users", "entity_ids": [ada, "gone"], "sync_metadata": { "batch": 7 } });
    let ask = Ask { path: SYNC, method: "POST", body: body.to_string().into(), ..get(&made) };
    let begun = world.signed(&ask).await;
    assert_eq!(begun.status, 202, "{}", begun.text);
    insta::assert_json_snapshot!("partner_sync_begun", begun.json());
    let id = begun.json()["sync_id"].as_str().unwrap().to_owned();
    assert_eq!(begun.header("location"), format!("/api/v1/operations/{id}"));
    world
        .state
        .app
        .wait_for_operation(&Context::new(world.tenant), OperationId::new(id.parse().unwrap()), WAIT)
        .await
        .unwrap();
    let operation = world.get(&format!("/api/v1/operations/{id}")).await.json();
    assert_eq!((&operation["kind"], &operation["state"]), (&json!("partners.sync"), &json!("partially_succeeded")));
    let rows = world.get(&format!("/api/v1/operations/{id}/rows?status=all")).await;
    insta::assert_json_snapshot!("partner_sync_rows", rows.json());
    let history = world.get(&format!("/api/v1/users/{ada}/history")).await.json();
    assert_eq!(history["items"][0]["kind"], json!("synced"), "{history}");
    world
        .ask("POST", &format!("/api/v1/operations/{id}/undo"), &[], None)
        .await
        .problem(409, "BUSINESS_RULE_VIOLATION");
    let other = world.into_tenant(8);
    other.get(&format!("/api/v1/operations/{id}")).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn what_is_wrong_with_a_synchronisation_is_said_with_its_place() {
    let world = World::new();
    let made = world.partner("").await;
    let wrong = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let many: Vec<_> = (0..10_001).map(|n| n.to_string()).collect();
    let both = vec![wrong("/entity_type", "missing"), wrong("/entity_ids", "missing")];
    for (n, (body, errors)) in (1..).zip([
        (json!({}), both),
        (json!({ "entity_type": 5, "entity_ids": ["1"] }), vec![wrong("/entity_type", "wrong_type")]),
        (json!({ "entity_type": "users", "entity_ids": [] }), vec![wrong("/entity_ids", "wrong_type")]),
        (json!({ "entity_type": "users", "entity_ids": many }), vec![wrong("/entity_ids", "wrong_type")]),
        (json!({ "entity_type": "users", "entity_ids": ["1", 2, "\0"] }), {
            vec![wrong("/entity_ids/1", "invalid_id"), wrong("/entity_ids/2", "invalid_id")]
        }),
        (json!({ "entity_type": "users", "entity_ids": ["1"], "sync_metadata": [] }), {
            vec![wrong("/sync_metadata", "wrong_type")]
        }),
    ]) {
        let path = format!("{SYNC}?n={n}");
        let ask = Ask { path: &path, method: "POST", body: body.to_string().into(), ..get(&made) };
        let answer = world.signed(&ask).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), errors);
    }
    let body = json!({ "entity_type": "invoices", "entity_ids": ["1"] });
    let ask = Ask { path: SYNC, method: "POST", body: body.to_string().into(), ..get(&made) };
    let problem = world.signed(&ask).await.problem(400, "VALIDATION_ERROR");
    assert_eq!(problem["allowed_types"], json!(["users", "products", "orders", "inventory"]));
    assert!(world.store.tenant(world.tenant).operations.is_empty());
}
