use std::fmt::Write;

use serde_json::json;

use crate::support::World;

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
        json!({"row": 2, "line": 3, "status": "failed", "user_id": null, "problems": [{
            "field": "email", "code": "invalid_email",
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
        ("cursor=AAAAAA&cursor=AAAAAA", "/query/cursor"),
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
