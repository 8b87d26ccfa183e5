use serde_json::{Value, json};

use crate::support::{Answer, Engine, World};

const PATH: &str = "/api/v1/schedules";

fn body() -> Value {
    json!({
        "name": "Purge who left",
        "kind": "users.delete",
        "filter": { "is_active": false, "updated_before": "P90D" },
        "cron": "30 3 * * *",
        "time_zone": "Europe/Berlin",
    })
}

async fn make(world: &World, body: Value) -> Answer {
    let made = world.ask("POST", PATH, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

#[tokio::test]
async fn a_schedule_is_made_read_moved_and_deleted() {
    let world = World::new();
    let made = make(&world, body()).await;
    insta::assert_json_snapshot!("schedule_made", made.json());
    let path = made.header("location").to_owned();
    assert_eq!(world.get(&path).await.json(), made.json());
    let paused = world.ask("POST", &format!("{path}/pause"), &[], None).await;
    assert_eq!((paused.status.as_u16(), &paused.json()["state"]), (200, &json!("paused")));
    assert_eq!(paused.json()["next_run_at"], json!(null));
    let resumed = world.ask("POST", &format!("{path}/resume"), &[], None).await;
    assert_eq!(resumed.json()["next_run_at"], made.json()["next_run_at"]);
    let list = world.get(PATH).await.json();
    assert_eq!((&list["items"][0]["id"], &list["has_next"]), (&made.json()["id"], &json!(false)));
    assert_eq!(world.ask("DELETE", &path, &[], None).await.status, 204);
    world.get(&path).await.problem(404, "ENTITY_NOT_FOUND");
    assert_eq!(world.get(PATH).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_trigger_begins_an_operation_or_says_why_not() {
    let world = World::new();
    let export = json!({ "kind": "users.export", "format": "csv", "cron": "0 0 1 * *" });
    for (body, begins) in [(export, true), (body(), false)] {
        let made = make(&world, body).await;
        let path = made.header("location").to_owned();
        let triggered = world.ask("POST", &format!("{path}/trigger"), &[], None).await;
        assert_eq!(triggered.status, 202, "{}", triggered.text);
        let run = world.get(&path).await.json()["last_run"].clone();
        if begins {
            let operation = world.get(&format!("/api/v1/operations/{}", run["operation_id"].as_str().unwrap())).await;
            assert_eq!(operation.json()["kind"], json!("users.export"));
            insta::assert_json_snapshot!("schedule_has_run", world.get(&path).await.json());
        } else {
            assert_eq!((&run["operation_id"], &run["skipped"]), (&json!(null), &json!("nobody_found")));
        }
    }
}

#[tokio::test]
async fn schedules_wait_for_an_engine_that_is_down_and_triggers_do_not() {
    let world = World::new();
    world.set_engine(Engine::Down);
    let path = make(&world, body()).await.header("location").to_owned();
    assert_eq!(world.ask("POST", &format!("{path}/pause"), &[], None).await.status, 200);
    world.ask("POST", &format!("{path}/trigger"), &[], None).await.problem(503, "SERVICE_UNAVAILABLE");
    assert_eq!(world.ask("DELETE", &path, &[], None).await.status, 204);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_with_its_place() {
    let world = World::new();
    let wrong = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    let with = |name: &str, value: Value| {
        let mut body = body();
        body[name] = value;
        body
    };
    let filter = |filter: Value| with("filter", filter);
    for (body, errors) in [
        (json!({}), vec![wrong("/kind", "invalid_option"), wrong("/cron", "missing")]),
        (with("cron", json!("@daily")), vec![wrong("/cron", "invalid_cron")]),
        (with("cron", json!(5)), vec![wrong("/cron", "invalid_cron")]),
        (with("time_zone", json!("Mars")), vec![wrong("/time_zone", "invalid_time_zone")]),
        (with("time_zone", json!(null)), vec![wrong("/time_zone", "invalid_time_zone")]),
        (with("name", json!("a\nb")), vec![wrong("/name", "invalid_characters")]),
        (with("name", json!(5)), vec![wrong("/name", "wrong_type")]),
        (with("kind", json!("users.restore")), vec![wrong("/kind", "invalid_option")]),
        (with("format", json!("csv")), vec![wrong("/format", "invalid_option")]),
        (with("ids", json!([])), vec![wrong("", "unknown_member")]),
        (filter(json!({})), vec![wrong("/filter", "invalid_option")]),
        (filter(json!({ "shoe_size": 4 })), vec![wrong("/filter", "invalid_option")]),
        (filter(json!({ "updated_before": "P3M" })), vec![wrong("/filter/updated_before", "invalid_option")]),
        (filter(json!({ "deleted_before": "P3D" })), vec![wrong("/filter/deleted_before", "invalid_option")]),
    ] {
        let answer = world.ask("POST", PATH, &[], Some(body.clone())).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), errors, "{body}");
    }
    assert_eq!(world.get(PATH).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_tenant_has_fifty_schedules_in_pages() {
    let world = World::new();
    for _ in 0..50 {
        make(&world, body()).await;
    }
    world.ask("POST", PATH, &[], Some(body())).await.problem(409, "BUSINESS_RULE_VIOLATION");
    let first = world.get(&format!("{PATH}?limit=30")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("{PATH}?cursor={cursor}")).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["has_next"]), (20, &json!(false)));
}

#[tokio::test]
async fn a_schedule_of_another_tenant_is_not_there() {
    let world = World::new();
    let path = make(&world, body()).await.header("location").to_owned();
    let other = world.into_tenant(8);
    other.get(&path).await.problem(404, "ENTITY_NOT_FOUND");
    other.ask("DELETE", &path, &[], None).await.problem(404, "ENTITY_NOT_FOUND");
    for what in ["pause", "resume", "trigger"] {
        other.ask("POST", &format!("{path}/{what}"), &[], None).await.problem(404, "ENTITY_NOT_FOUND");
    }
    assert_eq!(other.get(PATH).await.json()["items"], json!([]));
}
