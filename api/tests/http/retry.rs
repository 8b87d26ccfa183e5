//! Failed rows are sent again by their numbers.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, World};

const WAIT: (&str, &str) = ("prefer", "wait=10");
const CSV: &str = "email,username,full_name\nada@example.com,ada,\nnope,bob,=1+1\ncy@example.com,x,\n";

async fn import(world: &World) -> Value {
    let answer = world.batch_at("?send_welcome=false", "text/csv", &[WAIT], CSV).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn retry(world: &World, import: &Value, kind: &str, body: String) -> Answer {
    let path = format!("{}/retry", import["links"]["self"].as_str().unwrap());
    world.post(&path, kind, body).await
}

async fn ended(world: &World, answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    world.get(&format!("{}?wait=10", answer.header("location"))).await.json()
}

#[tokio::test]
async fn a_mended_file_is_sent_back_and_the_rows_are_merged() {
    let world = World::new();
    let import = import(&world).await;
    assert_eq!((&import["progress"]["failed"], &import["merged"]), (&json!(2), &Value::Null));
    let rows = import["links"]["rows"].as_str().unwrap();
    let file = world.get(&format!("{rows}?format=csv&status=failed")).await.text;
    assert!(file.starts_with("email,username,full_name,status,user_id,problem,row\r\n"), "{file}");
    let mended = file.replace("nope,", "bob@example.com,");
    let retry_of = ended(&world, &retry(&world, &import, "text/csv", mended).await).await;
    assert_eq!((&retry_of["relation"], &retry_of["parent_id"]), (&json!("retry"), &import["id"]));
    assert_eq!((&retry_of["progress"]["created"], &retry_of["progress"]["failed"]), (&json!(1), &json!(1)));

    let merged = world.get(import["links"]["self"].as_str().unwrap()).await.json();
    let expected = json!({"retries": 1, "created": 2, "changed": 0, "skipped": 0, "failed": 1});
    assert_eq!((&merged["merged"], &merged["progress"]["created"]), (&expected, &json!(1)));
    let all = world.get(&format!("{rows}?status=all")).await.json();
    assert_eq!((&all["items"][1]["status"], &all["items"][1]["retried_by"]), (&json!("created"), &retry_of["id"]));
    let user = all["items"][1]["user_id"].as_str().unwrap();
    let user = world.get(&format!("/api/v1/users/{user}")).await.json();
    assert_eq!((&user["email"], &user["full_name"]), (&json!("bob@example.com"), &json!("=1+1")));

    let json = json!({"rows": [{"row": 3, "username": "cyrus"}]}).to_string();
    let last = ended(&world, &retry(&world, &import, "application/json", json).await).await;
    assert_eq!(last["state"], "succeeded");
    let file = world.get(&format!("{rows}?format=csv")).await.text;
    assert_eq!(file.matches(",created,").count(), 3, "{file}");
}

#[tokio::test]
async fn a_correction_that_corrects_nothing_is_refused() {
    let world = World::new();
    let import = import(&world).await;
    for (kind, body) in [
        ("application/json", json!({"rows": [{"row": "2", "email": "x@example.com"}]}).to_string()),
        ("application/json", json!({"rows": 2}).to_string()),
        ("application/x-ndjson", "{\"email\":\"x@example.com\"}\n".to_owned()),
        ("text/csv", "email\nx@example.com\n".to_owned()),
        ("text/csv", "row,email\n2,x@example.com\n2,y@example.com\n".to_owned()),
    ] {
        retry(&world, &import, kind, body).await.problem(422, "VALIDATION_ERROR");
    }
    let done = json!({"rows": [{"row": 1, "email": "x@example.com"}]}).to_string();
    retry(&world, &import, "application/json", done).await.problem(409, "BUSINESS_RULE_VIOLATION");
    // Without a body all of them are done as they were.
    let path = format!("{}/retry", import["links"]["self"].as_str().unwrap());
    let again = world.ask("POST", &path, &[WAIT], None).await;
    assert_eq!((again.status, &again.json()["progress"]["failed"]), (StatusCode::OK, &json!(2)));
    world
        .ask("POST", &format!("{}/retry", again.header("location")), &[], None)
        .await
        .problem(409, "BUSINESS_RULE_VIOLATION");
}

#[tokio::test]
async fn changes_come_back_with_all_that_they_said() {
    let world = World::new();
    let nobody = "01981c5e-7a00-7000-8000-000000000001";
    let lines = format!("{{\"id\":\"{nobody}\",\"is_active\":false}}\n{{\"id\":\"{nobody}\",\"full_name\":null}}\n");
    let begun = world.post("/api/v1/operations?kind=users.update", "application/x-ndjson", lines).await;
    let update = ended(&world, &begun).await;
    let rows = update["links"]["rows"].as_str().unwrap();
    let file = world.get(&format!("{rows}?format=csv")).await.text;
    assert!(file.starts_with("id,email,username,full_name,is_active,status,user_id,problem,row\r\n"), "{file}");
    assert!(file.contains(&format!("{nobody},,,,false,failed,{nobody},")), "{file}");
    let file = world.get(&format!("{rows}?format=ndjson")).await.text;
    let lines: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["is_active"], lines[0].get("full_name")), (&json!(false), None));
    assert_eq!(lines[1].get("full_name"), Some(&Value::Null));
}
