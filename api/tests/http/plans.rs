//! Dry runs and what is done with them; and what becomes of what a cancelled operation has done.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, World};

const WAIT: (&str, &str) = ("prefer", "wait=10");
const CSV: &str = "email,username\nada@example.com,ada\nbob@example.com,taken\nnope,nope\n";

async fn plan(world: &World) -> Value {
    let answer = world.batch_at("?dry_run=true&send_welcome=false", "text/csv", &[WAIT], CSV).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

async fn apply(world: &World, plan: &Value, digest: &str) -> Answer {
    let path = format!("{}/apply", plan["links"]["self"].as_str().unwrap());
    world.ask("POST", &path, &[("if-match", digest)], None).await
}

fn digest(plan: &Value) -> String {
    format!("\"{}\"", plan["plan"]["digest"].as_str().unwrap())
}

async fn count(world: &World) -> usize {
    world.get("/api/v1/users?limit=100").await.json()["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_plan_says_what_would_become_of_each_row_and_is_applied_as_it_is() {
    let world = World::new();
    world.make("taken").await;
    let plan = plan(&world).await;
    assert_eq!(plan["options"]["dry_run"], true);
    let expected = json!({"to_create": 1, "to_change": 0, "to_skip": 0, "to_fail": 2});
    let mut counts = plan["plan"].clone();
    counts.as_object_mut().unwrap().remove("digest");
    assert_eq!(counts, expected);
    assert_eq!((&plan["progress"]["created"], &plan["progress"]["failed"]), (&json!(0), &json!(2)));
    assert_eq!(count(&world).await, 1);
    let rows = world.get(&format!("{}?status=all", plan["links"]["rows"].as_str().unwrap())).await.json();
    assert_eq!((&rows["items"][0]["status"], &rows["items"][0]["user_id"]), (&json!("created"), &Value::Null));

    let answer = apply(&world, &plan, &digest(&plan)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let done = answer.json();
    assert_eq!((&done["parent_id"], &done["relation"]), (&plan["id"], &json!("apply")));
    assert_eq!(
        (&done["progress"]["created"], &done["progress"]["failed"], &done["plan"]),
        (&json!(1), &json!(2), &Value::Null)
    );
    let again = apply(&world, &plan, &digest(&plan)).await;
    assert_eq!((again.header("idempotent-replayed"), &again.json()["id"]), ("true", &done["id"]));
    assert_eq!(count(&world).await, 2);
}

#[tokio::test]
async fn a_plan_that_does_not_hold_any_more_is_refused() {
    let world = World::new();
    let plan = plan(&world).await;
    world.make("taken").await;
    let refused = apply(&world, &plan, &digest(&plan)).await;
    refused.problem(412, "OUTCOME_DIFFERS");
    assert_eq!(count(&world).await, 1);
    let other = format!("\"{}\"", "0".repeat(64));
    apply(&world, &plan, &other).await.problem(412, "OUTCOME_DIFFERS");
    apply(&world, &plan, "\"v1\"").await.problem(422, "VALIDATION_ERROR");
    let path = format!("{}/apply", plan["links"]["self"].as_str().unwrap());
    world.ask("POST", &path, &[], None).await.problem(422, "VALIDATION_ERROR");
    let import =
        world.post("/api/v1/users/batch", "text/csv", "email,username\nx@example.com,xenia\n".to_owned()).await;
    let import = world.get(&format!("{}?wait=10", import.header("location"))).await.json();
    apply(&world, &import, &other).await.problem(409, "BUSINESS_RULE_VIOLATION");
}

#[tokio::test]
async fn json_and_changes_are_planned_too() {
    let world = World::new();
    let ada = world.make("ada").await.rsplit('/').next().unwrap().to_owned();
    let users = json!({"users": [{"email": "bob@example.com", "username": "bob"}], "dry_run": true});
    let answer = world.ask("POST", "/api/v1/users/batch", &[WAIT], Some(users)).await;
    assert_eq!((answer.status, &answer.json()["plan"]["to_create"]), (StatusCode::OK, &json!(1)));
    let delete = json!({"kind": "users.delete", "ids": [ada]});
    let answer = world.ask("POST", "/api/v1/operations?dry_run=true", &[WAIT], Some(delete)).await;
    assert_eq!((answer.status, &answer.json()["plan"]["to_change"]), (StatusCode::OK, &json!(1)));
    assert_eq!(count(&world).await, 1);
    let undo = format!("{}/undo", answer.json()["links"]["self"].as_str().unwrap());
    world.ask("POST", &undo, &[WAIT], None).await.problem(409, "BUSINESS_RULE_VIOLATION");
}

#[tokio::test]
async fn a_cancelled_operation_that_did_nothing_has_no_undo() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let import = world.post("/api/v1/users/batch", "text/csv", CSV.to_owned()).await;
    let path = format!("{}/cancel", import.header("location"));
    world.ask("POST", &format!("{path}?on_cancel=forget"), &[], None).await.problem(422, "VALIDATION_ERROR");
    let cancelled = world.ask("POST", &format!("{path}?on_cancel=undo"), &[], None).await;
    assert_eq!((cancelled.status, &cancelled.json()["state"]), (StatusCode::OK, &json!("cancelled")));
    assert!(cancelled.headers.get("link").is_none());
}
