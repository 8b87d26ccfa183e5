use serde_json::{Value, json};

use crate::support::{Answer, World};

const PATH: &str = "/api/v1/tasks";

async fn make(world: &World, body: Value) -> Answer {
    let made = world.ask("POST", PATH, &[], Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

async fn go(world: &World, path: &str, by: &str) -> Answer {
    world.ask("POST", &format!("{path}/{by}"), &[], None).await
}

fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

async fn titles(world: &World, query: &str) -> Vec<String> {
    let list = world.get(&format!("{PATH}{query}")).await.json();
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{query}: {list}")).clone();
    items.iter().map(|task| task["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_task_is_made_read_changed_and_deleted() {
    let world = World::new();
    let ada = world.make("ada").await;
    let made = make(
        &world,
        json!({
            "title": "Call Ada", "description": "She knows.", "priority": "high", "assignee_id": id(&ada),
            "creator_id": null, "due_at": "2040-01-31T12:00:00+01:00", "remind_at": ["2040-01-30T12:00:00Z"],
            "tags": ["calls"], "recurrence": "RRULE:FREQ=WEEKLY;BYDAY=TU", "shoe_size": 38,
        }),
    )
    .await;
    insta::assert_json_snapshot!("task_made", made.json());
    let path = made.header("location").to_owned();
    let got = world.get(&path).await;
    assert_eq!((got.header("etag"), got.json()), ("\"v1\"", made.json()));
    assert_eq!(world.ask("GET", &path, &[("if-none-match", "\"v1\"")], None).await.status, 304);

    let change = json!({"description": null, "due_at": "2040-02-01T00:00:00Z", "tags": [], "recurrence": null});
    let changed = world.ask("PATCH", &path, &[("if-match", "\"v1\"")], Some(change.clone())).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"v2\""), "{}", changed.text);
    let task = changed.json();
    assert_eq!((&task["description"], &task["tags"], &task["series_id"]), (&json!(null), &json!([]), &json!(null)));
    world.ask("PATCH", &path, &[("if-match", "\"v1\"")], Some(change)).await.problem(412, "PRECONDITION_FAILED");

    assert_eq!(world.ask("DELETE", &path, &[], None).await.status, 204);
    world.get(&path).await.problem(404, "ENTITY_NOT_FOUND");
    assert_eq!(titles(&world, "").await, Vec::<String>::new());
    assert_eq!(titles(&world, "/deleted").await, ["Call Ada"]);
    let restored = world.ask("PUT", &format!("{path}/restore"), &[], None).await;
    assert_eq!((restored.status.as_u16(), restored.header("etag")), (200, "\"v4\""));
    world.ask("PUT", &format!("{path}/restore"), &[], None).await.problem(422, "VALIDATION_ERROR");
    assert_eq!(world.ask("DELETE", &format!("{path}/force"), &[], None).await.status, 204);
    world.ask("DELETE", &format!("{path}/force"), &[], None).await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn a_task_moves_as_its_status_allows() {
    let world = World::new();
    let path = make(&world, json!({"title": "Call Ada"})).await.header("location").to_owned();
    let problem = go(&world, &path, "complete").await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], json!("a task that is todo cannot become done"));
    for (by, status) in [
        ("start", "in_progress"),
        ("complete", "done"),
        ("reopen", "todo"),
        ("cancel", "cancelled"),
        ("reopen", "todo"),
    ] {
        let moved = go(&world, &path, by).await;
        assert_eq!((moved.status.as_u16(), &moved.json()["status"]), (200, &json!(status)), "{}", moved.text);
    }
    let stale = world.ask("POST", &format!("{path}/start"), &[("if-match", "\"v1\"")], None).await;
    stale.problem(412, "PRECONDITION_FAILED");
}

#[tokio::test]
async fn a_task_is_given_to_somebody_or_nobody() {
    let world = World::new();
    let ada = world.make("ada").await;
    let path = make(&world, json!({"title": "Call Ada"})).await.header("location").to_owned();
    let assign = format!("{path}/assign");
    let given = world.ask("POST", &assign, &[], Some(json!({"assignee_id": id(&ada)}))).await;
    assert_eq!(given.json()["assignee_id"], json!(id(&ada)));
    let of_ada = world.get(&format!("{ada}/tasks")).await.json();
    assert_eq!(of_ada["items"], json!([given.json()]));
    assert_eq!(titles(&world, &format!("?assignee_id={}", id(&ada))).await, ["Call Ada"]);
    assert_eq!(titles(&world, "?assignee_id=none").await, Vec::<String>::new());
    let taken = world.ask("POST", &assign, &[], Some(json!({"assignee_id": null}))).await;
    assert_eq!(taken.json()["assignee_id"], json!(null));
    for (body, code) in [
        (json!({}), "missing"),
        (json!({"assignee_id": 5}), "wrong_type"),
        (json!({"assignee_id": "ada"}), "invalid_id"),
        (json!({"assignee_id": "01981c5e-7a00-7000-8000-000000000404"}), "unknown_user"),
    ] {
        let answer = world.ask("POST", &assign, &[], Some(body)).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), [pair("/assignee_id", code)]);
    }
    world.get("/api/v1/users/01981c5e-7a00-7000-8000-000000000404/tasks").await.problem(404, "ENTITY_NOT_FOUND");
}

#[tokio::test]
async fn every_wrong_member_is_named() {
    let world = World::new();
    for (body, expected) in [
        (json!({}), vec![pair("/title", "missing")]),
        (json!({"title": null}), vec![pair("/title", "missing")]),
        (json!({"title": 5, "tags": "a"}), vec![pair("/title", "wrong_type"), pair("/tags", "wrong_type")]),
        (json!({"title": "a", "recurrence": "FREQ=DAILY"}), vec![pair("/due_at", "missing")]),
        (
            json!({"title": "", "priority": "top", "due_at": "soon", "recurrence": "FREQ=SECONDLY"}),
            vec![
                pair("/title", "too_short"),
                pair("/priority", "invalid_priority"),
                pair("/due_at", "invalid_instant"),
                pair("/recurrence", "invalid_recurrence"),
            ],
        ),
        (json!([]), vec![pair("", "invalid_json")]),
    ] {
        let answer = world.ask("POST", PATH, &[], Some(body)).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), expected);
    }
    assert_eq!(titles(&world, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn tasks_are_found_sorted_and_read_in_pages() {
    let world = World::new();
    for (title, due, priority, tag) in [
        ("one", json!("2040-03-01T00:00:00Z"), "low", "red"),
        ("two", json!(null), "urgent", "blue"),
        ("three", json!("2040-01-01T00:00:00Z"), "high", "red"),
    ] {
        make(&world, json!({"title": title, "due_at": due, "priority": priority, "tags": [tag]})).await;
    }
    for (query, expected) in [
        ("", vec!["three", "two", "one"]),
        ("?sort=created_at", vec!["one", "two", "three"]),
        ("?sort=due_at", vec!["three", "one", "two"]),
        ("?sort=-due_at", vec!["two", "one", "three"]),
        ("?sort=-priority", vec!["two", "three", "one"]),
        ("?priority=low,high", vec!["three", "one"]),
        ("?status=todo&tag=red", vec!["three", "one"]),
        ("?status=done", vec![]),
        ("?text=T", vec!["three", "two"]),
        ("?due_after=2040-01-01T00:00:00Z&due_before=2040-02-01T00:00:00Z", vec!["three"]),
    ] {
        assert_eq!(titles(&world, query).await, expected, "{query}");
    }
    for sort in ["-created_at", "created_at", "due_at", "-due_at", "priority", "-priority"] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("{PATH}?sort={sort}&limit=1&cursor={cursor}")).await.json();
            found.extend(page["items"].as_array().unwrap().iter().map(|task| task["title"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            next.clone_into(&mut cursor);
        }
        assert_eq!(json!(found), json!(titles(&world, &format!("?sort={sort}")).await), "{sort}");
    }
    let cursor = world.get(&format!("{PATH}?sort=priority&limit=1")).await.json()["next_cursor"].clone();
    for (query, pointer) in [
        (format!("?cursor={}", cursor.as_str().unwrap()), "/query/cursor"),
        ("?cursor=x".to_owned(), "/query/cursor"),
        ("?limit=101".to_owned(), "/query/limit"),
        ("?sort=title".to_owned(), "/query/sort"),
        ("?status=open".to_owned(), "/query/status"),
        ("?priority=low,top".to_owned(), "/query/priority"),
        ("?assignee_id=ada".to_owned(), "/query/assignee_id"),
        ("?due_after=soon".to_owned(), "/query/due_after"),
        ("?text=%00".to_owned(), "/query/text"),
    ] {
        let answer = world.get(&format!("{PATH}{query}")).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors().first().map(|error| error.0.as_str()), Some(pointer), "{query}");
    }
}

#[tokio::test]
async fn a_key_makes_one_task() {
    let world = World::new();
    let key = [("idempotency-key", "once")];
    let first = world.ask("POST", PATH, &key, Some(json!({"title": "Call Ada"}))).await;
    let second = world.ask("POST", PATH, &key, Some(json!({"title": "Call Ada"}))).await;
    assert_eq!((second.status.as_u16(), second.header("idempotent-replayed")), (201, "true"), "{}", second.text);
    assert_eq!((second.json(), titles(&world, "").await.len()), (first.json(), 1));
    let other = world.ask("POST", PATH, &key, Some(json!({"title": "Call Bob"}))).await;
    other.problem(422, "IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn settings_are_stored_as_a_whole() {
    let world = World::new();
    let path = format!("{PATH}/settings");
    let default = json!({"time_zone": "UTC", "quiet_hours": null, "when_assignee_deleted": "unassign"});
    assert_eq!(world.get(&path).await.json(), default);
    let wanted = json!({
        "time_zone": "Europe/Berlin",
        "quiet_hours": {"from": "22:00", "to": "07:00"},
        "when_assignee_deleted": "creator",
    });
    let put = world.ask("PUT", &path, &[], Some(wanted.clone())).await;
    assert_eq!((put.status.as_u16(), put.json()), (200, wanted.clone()), "{}", put.text);
    assert_eq!(world.get(&path).await.json(), wanted);
    let wrong = json!({"time_zone": "Mars", "quiet_hours": {"from": "22:00"}, "when_assignee_deleted": null});
    let answer = world.ask("PUT", &path, &[], Some(wrong)).await;
    answer.problem(422, "VALIDATION_ERROR");
    let expected = [
        pair("/time_zone", "invalid_time_zone"),
        pair("/quiet_hours", "invalid_quiet_hours"),
        pair("/when_assignee_deleted", "invalid_option"),
    ];
    assert_eq!(answer.errors(), expected);
    assert_eq!(world.ask("PUT", &path, &[], Some(json!({}))).await.json(), default);
}
