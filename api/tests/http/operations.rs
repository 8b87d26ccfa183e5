use std::fmt::Write;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::support::{Engine, World, csv, users};

#[tokio::test]
async fn failed_rows_are_paged() {
    let world = World::new();
    let mut file = "email,username\n".to_owned();
    for n in 0..250 {
        let email = if n % 2 == 0 { format!("u{n}@x.com") } else { "nope".to_owned() };
        writeln!(file, "{email},user{n}").unwrap();
    }
    let operation = world.batch("text/csv", &[("prefer", "wait=30")], file).await.json();
    assert_eq!(operation["state"], "partially_succeeded");
    let rows = operation["links"]["rows"].as_str().unwrap();
    let first = world.get(rows).await.json();
    let items = first["items"].as_array().unwrap();
    assert_eq!((items.len(), first["has_next"].as_bool()), (100, Some(true)));
    assert_eq!(
        items[0],
        json!({"row": 2, "line": 3, "status": "failed", "user_id": null, "retried_by": null, "problems": [{
            "field": "email", "pointer": "/email", "code": "invalid_email",
            "detail": "must be an e-mail address such as name@example.com",
        }]})
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = world.get(&format!("{rows}?limit=1000&cursor={cursor}")).await.json();
    assert_eq!(last["items"].as_array().unwrap().len(), 25);
    assert_eq!(last["items"][0]["row"], 202);
    assert_eq!((&last["has_next"], &last["next_cursor"]), (&json!(false), &json!(null)));
    for (query, pointer) in [
        ("limit=0", "/query/limit"),
        ("limit=1001", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("cursor=x", "/query/cursor"),
        ("cursor=", "/query/cursor"),
        (&format!("cursor={cursor}&cursor={cursor}"), "/query/cursor"),
        ("status=bad", "/query/status"),
        ("status=", "/query/status"),
    ] {
        let problem = world.get(&format!("{rows}?{query}")).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn ids_that_are_none_or_unknown_are_told_apart() {
    let world = World::new();
    for path in ["users/1", "users/%00", "operations/x", "operations/%ff/rows"] {
        let problem = world.get(&format!("/api/v1/{path}")).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], "/path/id");
    }
    let id = uuid::Uuid::nil();
    for path in [format!("users/{id}"), format!("operations/{id}"), format!("operations/{id}/rows")] {
        world.get(&format!("/api/v1/{path}")).await.problem(404, "ENTITY_NOT_FOUND");
    }
}

fn column(page: &Value, name: &str) -> Vec<Value> {
    page["items"].as_array().unwrap().iter().map(|item| item[name].clone()).collect()
}

#[tokio::test]
async fn operations_are_listed_the_latest_first() {
    let world = World::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        let operation = world.batch("text/csv", &[("prefer", "wait=30")], csv(n..n + 1)).await.json();
        ids.insert(0, operation["id"].clone());
        world.clock.advance(TimeDelta::microseconds(i64::from(n % 2)));
    }
    let whole = world.get("/api/v1/operations").await.json();
    assert_eq!(
        (column(&whole, "id"), &whole["has_next"], &whole["next_cursor"]),
        (ids.clone(), &json!(false), &json!(null))
    );
    let single = world.get(whole["items"][0]["links"]["self"].as_str().unwrap()).await.json();
    assert_eq!(whole["items"][0], single);

    let mut seen = Vec::new();
    let mut path = "/api/v1/operations?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.json();
        seen.extend(column(&page, "id"));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["has_next"], true);
        path = format!("/api/v1/operations?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    assert!(column(&world.into_tenant(8).get("/api/v1/operations").await.json(), "id").is_empty());
}

#[tokio::test]
async fn operations_are_listed_by_state() {
    let world = World::new();
    world.batch("text/csv", &[("prefer", "wait=30")], csv(0..1)).await;
    world.set_engine(Engine::Sleeps);
    world.batch("text/csv", &[], csv(1..2)).await;
    for (state, count) in [("queued", 1), ("succeeded", 1), ("failed", 0), ("receiving", 0), ("partially_succeeded", 0)]
    {
        let page = world.get(&format!("/api/v1/operations?state={state}")).await.json();
        assert_eq!(column(&page, "state"), vec![json!(state); count]);
    }
}

#[tokio::test]
async fn the_parameters_of_the_list_are_checked() {
    let world = World::new();
    let long = format!("cursor={}", "A".repeat(1025));
    for (query, pointer) in [
        ("state=gone", "/query/state"),
        ("state=", "/query/state"),
        ("state=Queued", "/query/state"),
        ("limit=0", "/query/limit"),
        ("limit=101", "/query/limit"),
        ("cursor=", "/query/cursor"),
        ("cursor=e30", "/query/cursor"),
        (&long, "/query/cursor"),
    ] {
        let problem = world.get(&format!("/api/v1/operations?{query}")).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
}

#[tokio::test]
async fn all_rows_of_an_operation_are_listed_with_their_users() {
    let world = World::new();
    let file = "email,username\na@x.com,aaa\nnope,bbb\nc@x.com,ccc\n";
    let operation = world.batch("text/csv", &[("prefer", "wait=30")], file).await.json();
    let rows = operation["links"]["rows"].as_str().unwrap();
    let all = world.get(&format!("{rows}?status=all")).await.json();
    assert_eq!(column(&all, "row"), [1, 2, 3]);
    assert_eq!(column(&all, "status"), ["created", "failed", "created"]);
    assert_eq!(column(&all, "line"), [json!(null), json!(3), json!(null)]);
    assert_eq!(all["items"][1]["user_id"], json!(null));
    for (item, name) in [(0, "aaa"), (2, "ccc")] {
        let id = all["items"][item]["user_id"].as_str().unwrap();
        assert_eq!(world.get(&format!("/api/v1/users/{id}")).await.json()["username"], name);
        assert_eq!(all["items"][item]["problems"], json!([]));
    }
    let cursor = world.get(&format!("{rows}?status=all&limit=2")).await.json()["next_cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let rest = world.get(&format!("{rows}?status=created&cursor={cursor}")).await.json();
    assert_eq!((column(&rest, "row"), rest["has_next"].as_bool()), (vec![json!(3)], Some(false)));
    // A cursor is good for the rows of its own operation.
    let other = world.batch("text/csv", &[("prefer", "wait=30")], csv(0..1)).await.json();
    let path = format!("{}?cursor={cursor}", other["links"]["rows"].as_str().unwrap());
    assert_eq!(world.get(&path).await.problem(422, "VALIDATION_ERROR")["errors"][0]["pointer"], "/query/cursor");
}

#[tokio::test]
async fn the_good_rows_of_an_aborted_upload_are_skipped() {
    let world = World::new();
    let body = json!({"users": [{"email": "a@x.com", "username": "aaa"}, 7]}).to_string();
    let problem = world.batch("application/json", &[], body).await.problem(422, "VALIDATION_ERROR");
    let path = format!("/api/v1/operations/{}", problem["operation_id"].as_str().unwrap());
    let progress = world.get(&path).await.json()["progress"].clone();
    assert_eq!((&progress["skipped"], &progress["percent"]), (&json!(1), &json!(100.0)));
    let rows = world.get(&format!("{path}/rows?status=all")).await.json();
    assert_eq!(column(&rows, "status"), ["skipped", "failed"]);
    assert_eq!(rows["items"][1]["problems"][0]["pointer"], "");
    assert_eq!(column(&world.get(&format!("{path}/rows")).await.json(), "row"), [2]);
}

#[tokio::test]
async fn progress_tells_how_far_and_how_fast() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let queued = world.batch("application/json", &[("prefer", "respond-async")], users(0..4)).await.json();
    let progress = &queued["progress"];
    assert_eq!((&progress["rows_received"], &progress["percent"]), (&json!(4), &json!(0.0)));
    assert_eq!((&progress["rows_per_second"], &queued["rows_finished_at"]), (&json!(null), &json!(null)));
    world.set_engine(Engine::Runs);
    let done = world.batch("text/csv", &[("prefer", "wait=30")], csv(4..7)).await.json();
    let progress = &done["progress"];
    let mails = ["mails_total", "mails_queued", "mails_sent", "mails_failed"].map(|name| progress[name].as_u64());
    assert_eq!(mails, [Some(3), Some(3), Some(0), Some(0)]);
    assert_eq!((&done["rows_finished_at"], &done["mails_finished_at"]), (&done["finished_at"], &json!(null)));
}
