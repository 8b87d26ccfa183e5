//! The rows of an operation as one file.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, World, csv};

const FILE: &str = "full_name,email,username,Color\n\
                    Ada,a@x.com,ada,red\n\
                    \"Bob, \"\"the\"\" Bad\",nope,bob,\n\
                    =1+1,-c@x.com,-cc,\n\
                    ,d@x.com,x,blue\n\
                    too,few\n";

async fn import(world: &World, file: &str) -> Value {
    let operation = world.batch("text/csv", &[("prefer", "wait=30")], file.to_owned()).await.json();
    assert_eq!(operation["state"], "partially_succeeded", "{operation}");
    operation
}

async fn rows(world: &World, operation: &Value, query: &str) -> Answer {
    world.get(&format!("{}{query}", operation["links"]["rows"].as_str().unwrap())).await
}

#[tokio::test]
async fn a_csv_file_comes_back_with_what_became_of_each_row() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    let answer = rows(&world, &operation, "?format=csv").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("vary"), "accept");
    let id = operation["id"].as_str().unwrap();
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"operation-{id}.csv\""));
    insta::assert_snapshot!("csv", answer.text.replace('\r', "<cr>"));
    let failed = rows(&world, &operation, "?format=csv&status=failed").await;
    assert!(failed.header("content-disposition").contains(&format!("operation-{id}-failed.csv")));
    assert_eq!(failed.text.lines().count(), 4);
    assert_eq!(rows(&world, &operation, "?format=csv&status=skipped").await.text.lines().count(), 1);
}

#[tokio::test]
async fn a_line_of_ndjson_has_what_was_given_and_what_became_of_it() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    let answer = rows(&world, &operation, "?format=ndjson").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert!(answer.header("content-disposition").ends_with(".ndjson\""));
    insta::assert_snapshot!("ndjson", answer.text);
}

#[tokio::test]
async fn the_format_is_that_of_the_query_or_of_accept() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    let path = operation["links"]["rows"].as_str().unwrap();
    for (accept, query, kind) in [
        ("text/csv", "", "text/csv"),
        ("application/x-ndjson", "", "application/x-ndjson"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", "text/csv"),
        ("*/*", "", "application/json"),
    ] {
        let request = Request::get(format!("{path}{query}")).header("accept", accept);
        let answer = world.send(request.header("x-tenant-token", world.token()).body(Body::empty()).unwrap()).await;
        assert!(answer.header("content-type").starts_with(kind), "{accept} {query}");
        assert_eq!(answer.header("vary"), "accept");
    }
}

#[tokio::test]
async fn what_was_mended_in_the_file_can_be_sent_again() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    let failed = rows(&world, &operation, "?format=csv&status=failed").await.text;
    // The row with too few columns has nothing that could be mended.
    let mended: String = failed.split_inclusive('\n').filter(|line| !line.starts_with(",,")).collect();
    let mended = mended.replace("nope,bob", "bob@x.com,bob").replace("d@x.com,x,", "d@x.com,dora,");
    let again = world.batch("text/csv", &[("prefer", "wait=30")], mended).await.json();
    assert_eq!((&again["state"], &again["progress"]["created"]), (&json!("succeeded"), &json!(2)), "{again}");
    assert_eq!(again["unknown_columns"], json!(["status", "user_id", "problem", "row"]));
    let users = world.get("/api/v1/users?limit=100").await.json();
    let names: Vec<_> = users["items"].as_array().unwrap().iter().map(|user| user["full_name"].clone()).collect();
    assert!(names.contains(&json!("Bob, \"the\" Bad")) && names.contains(&json!("=1+1")), "{names:?}");
}

#[tokio::test]
async fn a_file_sent_again_as_it_is_gives_the_same_values() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    let file = rows(&world, &operation, "?format=csv").await.text;
    // Somebody else's, so that nothing is taken.
    let other = world.into_tenant(8);
    let operation = import(&other, &file).await;
    let again = rows(&other, &operation, "?format=ndjson").await.text;
    let row: Value = serde_json::from_str(again.lines().nth(2).unwrap()).unwrap();
    assert_eq!(
        (&row["full_name"], &row["email"], &row["username"], &row["status"]),
        (&json!("=1+1"), &json!("-c@x.com"), &json!("-cc"), &json!("created"))
    );
}

#[tokio::test]
async fn rows_that_are_not_done_are_pending() {
    let world = World::new();
    world.set_engine(Engine::Sleeps);
    let operation = world.batch("text/csv", &[("prefer", "respond-async")], csv(0..12_000)).await.json();
    let file = rows(&world, &operation, "?format=csv").await.text;
    assert_eq!(file.lines().count(), 12_001);
    assert_eq!(file.lines().nth(12_000), Some("u11999@x.com,user11999,,pending,,,12000"));
    assert_eq!(rows(&world, &operation, "?format=csv&status=pending").await.text, file);
    assert!(rows(&world, &operation, "?status=all").await.json()["items"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let world = World::new();
    let operation = import(&world, FILE).await;
    for (query, pointer) in [
        ("format=xml", "/query/format"),
        ("format=", "/query/format"),
        ("format=csv&status=done", "/query/status"),
        ("format=csv&limit=5", "/query/limit"),
        ("format=ndjson&cursor=x", "/query/cursor"),
        ("status=pending", "/query/status"),
    ] {
        let problem = rows(&world, &operation, &format!("?{query}")).await.problem(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{query}");
    }
    let path = format!("{}?format=csv", operation["links"]["rows"].as_str().unwrap());
    world.send(Request::get(&path).body(Body::empty()).unwrap()).await.problem(401, "TENANT_TOKEN_MISSING");
    world.into_tenant(8).get(&path).await.problem(404, "ENTITY_NOT_FOUND");
}
