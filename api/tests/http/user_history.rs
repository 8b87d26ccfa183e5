use serde_json::{Value, json};

use crate::support::{World, csv};

fn kinds(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_change_is_told_without_its_values() {
    let world = World::new();
    let path = world.make("ada").await;
    let body = json!({"email": "secret@y.com", "full_name": null});
    world.ask("PATCH", &path, &[], Some(body)).await;
    world.ask("DELETE", &path, &[], None).await;
    let answer = world.get(&format!("{path}/history")).await;
    let page = answer.json();
    assert_eq!(kinds(&page), ["deleted", "updated", "created"]);
    assert!(!answer.text.contains("secret") && !answer.text.contains("x.com"), "{}", answer.text);
    let fields: Vec<_> = page["items"][1]["fields"].as_array().unwrap().iter().map(|field| &field["field"]).collect();
    assert_eq!(fields, ["email", "full_name"]);
    assert_eq!(page["items"][1]["fields"][1]["after"], json!(null));
    insta::assert_json_snapshot!("history", page["items"][2]);

    let first = world.get(&format!("{path}/history?limit=2")).await.json();
    assert_eq!((kinds(&first), &first["has_next"]), (vec!["deleted", "updated"], &json!(true)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("{path}/history?limit=2&cursor={cursor}")).await.json();
    assert_eq!((kinds(&rest), &rest["next_cursor"]), (vec!["created"], &json!(null)));
    world.into_tenant(8).get(&format!("{path}/history")).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn an_imported_user_tells_of_the_operation() {
    let world = World::new();
    let done = world.batch("text/csv", &[("prefer", "wait=10")], csv(0..3)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let user = world.get("/api/v1/users?limit=1").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    let page = world.get(&format!("/api/v1/users/{user}/history")).await.json();
    assert_eq!(kinds(&page), ["created"]);
    assert_eq!(page["items"][0]["operation_id"], done.json()["id"]);
}
