use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, World};

const BATCH: &str = "/api/v1/tasks/batch";

async fn send(world: &World, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(path).header("x-tenant-token", world.token()).header("content-type", kind);
    world.send(request.header("prefer", "wait=10").body(body.into()).unwrap()).await
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

#[tokio::test]
async fn json_tasks_are_answered_when_they_are_there() {
    let world = World::new();
    let ada = world.make("ada").await;
    let ada = ada.rsplit('/').next().unwrap();
    let body = json!({"tasks": [
        {"title": "One", "tags": ["a", "b"], "assignee_id": ada, "remind_at": ["2040-01-01T00:00:00Z"]},
        {"title": "Two", "priority": "low"},
    ]});
    let made = send(&world, BATCH, "application/json", body.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    insta::assert_json_snapshot!("task_batch", made.json());
    let path = made.header("location").to_owned();
    assert_eq!(world.get(&path).await.json()["kind"], json!("tasks.import"));
    let rows = world.get(&format!("{path}/rows?status=all")).await.json();
    assert_eq!(rows["items"][0]["task_id"], made.json()["created"][0]["id"]);
    assert_eq!(rows["items"][0]["user_id"], json!(null));
}

#[tokio::test]
async fn a_wrong_row_is_named_and_nothing_is_made() {
    let world = World::new();
    let body = json!({"tasks": [{"title": "One"}, {"title": "", "due_at": "soon"}]});
    let answer = send(&world, BATCH, "application/json", body.to_string()).await;
    answer.problem(422, "VALIDATION_ERROR");
    assert_eq!(answer.errors(), [pair("/tasks/1/title", "too_short"), pair("/tasks/1/due_at", "invalid_instant")]);
    assert!(world.store.tenant(world.tenant).tasks.is_empty());
    for (body, code) in [("{}", "missing_tasks"), (r#"{"tasks":5}"#, "missing_tasks"), ("[]", "invalid_json")] {
        let answer = send(&world, BATCH, "application/json", body).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), [pair("", code)], "{body}");
    }
    let answer = send(&world, &format!("{BATCH}?on_conflict=skip"), "text/csv", "title\na\n").await;
    answer.problem(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn files_of_tasks_come_back_with_what_became_of_them() {
    let world = World::new();
    let csv = "Title,tags,due_at,shoe_size\n\"Call, then mail\",a;b,2040-01-01T00:00:00Z,4\n,x,,\n=cmd(),,,\n";
    let done = send(&world, BATCH, "text/csv", csv).await.json();
    assert_eq!((&done["state"], &done["progress"]["created"]), (&json!("partially_succeeded"), &json!(2)), "{done}");
    assert_eq!(done["unknown_columns"], json!(["shoe_size"]));
    let rows = done["links"]["rows"].as_str().unwrap();
    let ids: Vec<Value> = {
        let all = world.get(&format!("{rows}?status=all")).await.json();
        all["items"].as_array().unwrap().iter().map(|row| row["task_id"].clone()).collect()
    };
    let file = world.get(&format!("{rows}?format=csv")).await.text;
    let expected = format!(
        "title,description,priority,assignee_id,creator_id,due_at,remind_at,tags,recurrence,status,task_id,problem,row\r\n\
         \"Call, then mail\",,,,,2040-01-01T00:00:00Z,,a;b,,created,{},,1\r\n\
         ,,,,,,,x,,failed,,title: is required,2\r\n\
         '=cmd(),,,,,,,,,created,{},,3\r\n",
        ids[0].as_str().unwrap(),
        ids[2].as_str().unwrap(),
    );
    assert_eq!(file, expected);
    let ndjson = world.get(&format!("{rows}?format=ndjson&status=failed")).await.text;
    let row: Value = serde_json::from_str(ndjson.trim()).unwrap();
    assert_eq!((&row["tags"], &row["row"], &row["status"]), (&json!(["x"]), &json!(2), &json!("failed")));
    // The file can be sent again as it is.
    let again = send(&world, BATCH, "text/csv", file).await.json();
    assert_eq!(again["progress"]["created"], json!(2), "{again}");
    let retry = format!("{}/retry", done["links"]["self"].as_str().unwrap());
    let mended = send(&world, &retry, "text/csv", "row,title\n2,Now\n");
    let mended = mended.await.json();
    assert_eq!((&mended["state"], &mended["kind"]), (&json!("succeeded"), &json!("tasks.import")), "{mended}");
}

#[tokio::test]
async fn tasks_are_moved_by_ids_by_conditions_and_by_files() {
    let world = World::new();
    let body = json!({"tasks": (0..4).map(|n| json!({"title": format!("T{n}"), "tags": ["x"]})).collect::<Vec<_>>()});
    let made = send(&world, BATCH, "application/json", body.to_string()).await.json();
    let ids: Vec<&str> = made["created"].as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
    let operations = "/api/v1/operations";
    let by_ids = json!({"kind": "tasks.start", "ids": [ids[0], ids[1]]});
    let done = send(&world, operations, "application/json", by_ids.to_string()).await.json();
    assert_eq!((&done["state"], &done["progress"]["changed"]), (&json!("succeeded"), &json!(2)), "{done}");
    let by_filter = json!({"kind": "tasks.complete", "filter": {"status": "in_progress", "tag": "x"}});
    let done = send(&world, operations, "application/json", by_filter.to_string()).await.json();
    assert_eq!(done["progress"]["changed"], json!(2), "{done}");
    let path = format!("{}/undo", done["links"]["self"].as_str().unwrap());
    let undo = world.ask("POST", &path, &[("prefer", "wait=10")], None);
    let undo = undo.await.json();
    assert_eq!((&undo["kind"], &undo["progress"]["changed"]), (&json!("tasks.undo"), &json!(2)), "{undo}");
    let by_kind = format!("{operations}?kind=tasks.cancel");
    let by_file = send(&world, &by_kind, "text/csv", format!("id\n{}\n{}\nx\n", ids[2], ids[3]));
    let by_file = by_file.await.json();
    assert_eq!((&by_file["progress"]["changed"], &by_file["progress"]["failed"]), (&json!(2), &json!(1)), "{by_file}");
    let statuses: Vec<Value> = world.get("/api/v1/tasks?sort=created_at").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["status"].clone())
        .collect();
    assert_eq!(json!(statuses), json!(["in_progress", "in_progress", "cancelled", "cancelled"]));
    for (body, pointer) in [
        (json!({"kind": "tasks.start", "filter": {"email": "x"}}), "/filter"),
        (json!({"kind": "tasks.start", "filter": {"status": "open"}}), "/filter/status"),
        (json!({"kind": "users.delete", "filter": {"status": "todo"}}), "/filter"),
        (json!({"kind": "tasks.start", "ids": [ids[0]], "set": {"is_active": true}}), "/set"),
        (json!({"kind": "tasks.import", "ids": [ids[0]]}), "/kind"),
    ] {
        let answer = send(&world, operations, "application/json", body.to_string()).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors().first().map(|error| error.0.as_str()), Some(pointer), "{body}");
    }
}
