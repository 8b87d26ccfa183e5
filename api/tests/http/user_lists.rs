use serde_json::{Value, json};

use crate::support::World;

fn names(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect()
}

async fn world_of(names: &[&str]) -> World {
    let world = World::new();
    for name in names {
        world.make(name).await;
    }
    world
}

#[tokio::test]
async fn a_page_by_offset_has_its_number_and_the_total() {
    let world = world_of(&["u-1", "u-2", "u-3", "u-4", "u-5"]).await;
    let page = world.get("/api/v1/users").await.json();
    assert_eq!(names(&page), ["u-5", "u-4", "u-3", "u-2", "u-1"]);
    assert_eq!((&page["total"], &page["page"], &page["page_size"]), (&json!(5), &json!(1), &json!(20)));
    assert_eq!(page.as_object().unwrap().len(), 4, "{page}");
    let page = world.get("/api/v1/users?skip=2&limit=2").await.json();
    assert_eq!(names(&page), ["u-3", "u-2"]);
    assert_eq!((&page["total"], &page["page"], &page["page_size"]), (&json!(5), &json!(2), &json!(2)));
    let page = world.get("/api/v1/users?skip=10000").await.json();
    assert_eq!((names(&page).len(), &page["total"]), (0, &json!(5)));
    insta::assert_json_snapshot!("page_of_users", world.get("/api/v1/users?limit=1").await.json());
}

#[tokio::test]
async fn pages_by_cursor_follow_each_other() {
    let world = world_of(&["u-1", "u-2", "u-3"]).await;
    let mut cursor = Value::from("");
    let mut seen = Vec::new();
    while let Some(next) = cursor.as_str() {
        let page = world.get(&format!("/api/v1/users?limit=2&cursor={next}")).await.json();
        assert_eq!(page.as_object().unwrap().len(), 3, "{page}");
        assert_eq!(page["has_next"], page["next_cursor"].is_string());
        seen.extend(names(&page).into_iter().map(str::to_owned));
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(seen, ["u-3", "u-2", "u-1"]);
}

#[tokio::test]
async fn the_deleted_are_listed_apart() {
    let world = world_of(&["ada", "bob"]).await;
    let path = world.make("eve").await;
    world.ask("DELETE", &path, &[], None).await;
    assert_eq!(names(&world.get("/api/v1/users").await.json()), ["bob", "ada"]);
    let deleted = world.get("/api/v1/users/deleted").await.json();
    assert_eq!((names(&deleted), &deleted["total"]), (vec!["eve"], &json!(1)));
    assert_eq!(world.get("/api/v1/users/deleted?cursor=").await.json()["has_next"], false);
}

#[tokio::test]
async fn a_search_holds_all_conditions() {
    let world = world_of(&["ada", "adam", "a_d", "bob"]).await;
    for (query, expected) in [
        ("email=ADA", vec!["adam", "ada"]),
        ("email=ada&username=m", vec!["adam"]),
        ("username=_", vec!["a_d"]),
        ("username=%25", vec![]),
        ("email_exact=ADA@x.com", vec!["ada"]),
        ("username_exact=Bob", vec!["bob"]),
        ("full_name=bo", vec!["bob"]),
        ("is_active=false", vec![]),
        ("created_after=2999-01-01T00:00:00Z", vec![]),
        ("created_before=2999-01-01T00:00:00Z&email=bob", vec!["bob"]),
        ("updated_after=2000-01-01T00:00:00", vec!["bob", "a_d", "adam", "ada"]),
        ("email=&colour=blue&limit=1", vec!["bob"]),
    ] {
        let answer = world.get(&format!("/api/v1/users/search?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        assert_eq!(names(&answer.json()), expected, "{query}");
    }
    assert_eq!(world.get("/api/v1/users/search?limit=1").await.json()["total"], 4);
    let world = world.into_tenant(8);
    assert_eq!(world.get("/api/v1/users/search?email=ada").await.json()["total"], 0);
}

#[tokio::test]
async fn wrong_parameters_are_named() {
    let world = World::new();
    let long = "x".repeat(256);
    for (query, pointer) in [
        ("skip=-1", "/query/skip"),
        ("skip=10001", "/query/skip"),
        ("limit=0", "/query/limit"),
        ("limit=101", "/query/limit"),
        ("limit=x", "/query/limit"),
        ("cursor=5", "/query/cursor"),
        ("cursor=&skip=5", "/query/skip"),
        ("cursor=a&cursor=b", "/query/cursor"),
        ("is_active=maybe", "/query/is_active"),
        ("created_after=yesterday", "/query/created_after"),
        ("email=a%00", "/query/email"),
        ("full_name=%1b", "/query/full_name"),
        (&format!("username={long}"), "/query/username"),
    ] {
        let answer = world.get(&format!("/api/v1/users/search?{query}")).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors().first().unwrap().0, pointer, "{query}");
    }
}
