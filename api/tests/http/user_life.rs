use serde_json::{Value, json};

use crate::support::{Answer, World};

async fn patch(world: &World, path: &str, body: Value) -> Answer {
    world.ask("PATCH", path, &[], Some(body)).await
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

#[tokio::test]
async fn absent_members_stay_null_clears_and_values_replace() {
    let world = World::new();
    let path = world.make("ada").await;
    let changed = patch(&world, &path, json!({"email": "ADA@y.com", "is_active": false, "shoe_size": 38})).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "\"v2\""), "{}", changed.text);
    let user = changed.json();
    assert_eq!(
        (&user["email"], &user["full_name"], &user["is_active"]),
        (&json!("ada@y.com"), &json!("ada"), &json!(false))
    );
    assert_eq!(patch(&world, &path, json!({"full_name": null})).await.json()["full_name"], json!(null));
    let got = world.get(&path).await;
    assert_eq!((got.header("etag"), &got.json()["email"]), ("\"v3\"", &json!("ada@y.com")));
    // Nothing new is no change.
    for body in [json!({}), json!({"full_name": null, "email": "ada@y.com"})] {
        assert_eq!(patch(&world, &path, body).await.header("etag"), "\"v3\"");
    }
    // The old address is free again.
    let other = json!({"email": "ada@x.com", "username": "other"});
    assert_eq!(world.ask("POST", "/api/v1/users", &[], Some(other)).await.status, 201);
}

#[tokio::test]
async fn every_wrong_member_of_a_change_is_named() {
    let world = World::new();
    let path = world.make("ada").await;
    for (body, expected) in [
        (json!({"email": null, "username": "x"}), vec![pair("/email", "missing"), pair("/username", "too_short")]),
        (json!({"email": 5, "is_active": "yes"}), vec![pair("/email", "wrong_type"), pair("/is_active", "wrong_type")]),
        (json!({"is_active": null}), vec![pair("/is_active", "wrong_type")]),
        (json!({"full_name": "a\u{0}"}), vec![pair("/full_name", "control_character")]),
        (json!([]), vec![pair("", "invalid_json")]),
    ] {
        let answer = patch(&world, &path, body).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert_eq!(answer.errors(), expected);
    }
    assert_eq!(world.get(&path).await.header("etag"), "\"v1\"");
    let answer = world.ask("PATCH", &path, &[("content-type", "text/plain")], None).await;
    answer.problem(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn a_change_to_what_others_have_names_each_field() {
    let world = World::new();
    let path = world.make("ada").await;
    world.make("bob").await;
    for (body, expected) in [
        (json!({"email": "BOB@x.com"}), vec![pair("/email", "duplicate")]),
        (json!({"username": "Bob"}), vec![pair("/username", "duplicate")]),
        (
            json!({"email": "bob@x.com", "username": "bob"}),
            vec![pair("/email", "duplicate"), pair("/username", "duplicate")],
        ),
    ] {
        let answer = patch(&world, &path, body).await;
        answer.problem(409, "CONFLICT");
        assert_eq!(answer.errors(), expected);
    }
}

#[tokio::test]
async fn writes_can_be_bound_to_a_version() {
    let world = World::new();
    let path = world.make("ada").await;
    let body = || Some(json!({"full_name": "Ada"}));
    for stale in ["\"v2\"", "W/\"v1\"", "nonsense"] {
        world.ask("PATCH", &path, &[("if-match", stale)], body()).await.problem(412, "PRECONDITION_FAILED");
        world.ask("DELETE", &path, &[("if-match", stale)], None).await.problem(412, "PRECONDITION_FAILED");
    }
    assert_eq!(world.ask("PATCH", &path, &[("if-match", "\"v7\", \"v1\"")], body()).await.status, 200);
    assert_eq!(world.ask("DELETE", &path, &[("if-match", "*")], None).await.status, 204);
}

#[tokio::test]
async fn reads_can_be_bound_to_a_version() {
    let world = World::new();
    let path = world.make("ada").await;
    let unchanged = world.ask("GET", &path, &[("if-none-match", "W/\"v1\"")], None).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.header("etag"), unchanged.text.as_str()), (304, "\"v1\"", ""));
    assert_eq!(world.ask("GET", &path, &[("if-none-match", "\"v2\"")], None).await.status, 200);
}

#[tokio::test]
async fn a_client_can_do_without_bodies() {
    let world = World::new();
    let minimal = [("prefer", "return=minimal")];
    let body = json!({"email": "ada@x.com", "username": "ada"});
    let made = world.ask("POST", "/api/v1/users", &minimal, Some(body)).await;
    assert_eq!(
        (made.status.as_u16(), made.header("preference-applied"), made.text.as_str()),
        (201, "return=minimal", "")
    );
    assert_eq!(made.header("etag"), "\"v1\"");
    let changed = world.ask("PATCH", made.header("location"), &minimal, Some(json!({"is_active": false}))).await;
    assert_eq!((changed.status.as_u16(), changed.header("etag"), changed.text.as_str()), (204, "\"v2\"", ""));
}

#[tokio::test]
async fn a_deleted_user_can_be_restored_until_their_place_is_taken() {
    let world = World::new();
    let path = world.make("ada").await;
    let restore = format!("{path}/restore");
    let alive = world.ask("PUT", &restore, &[], None).await;
    assert_eq!(alive.problem(422, "VALIDATION_ERROR")["detail"], "the user is not deleted");
    assert_eq!(world.ask("DELETE", &path, &[], None).await.status, 204);
    for answer in [
        world.get(&path).await,
        world.ask("DELETE", &path, &[], None).await,
        patch(&world, &path, json!({"is_active": false})).await,
    ] {
        answer.problem(404, "ENTITY_NOT_FOUND");
    }
    let restored = world.ask("PUT", &restore, &[], None).await;
    assert_eq!((restored.status.as_u16(), restored.header("etag")), (200, "\"v3\""));
    world.ask("DELETE", &path, &[], None).await;
    world.make("ada").await;
    let taken = world.ask("PUT", &restore, &[], None).await;
    taken.problem(409, "CONFLICT");
    assert_eq!(taken.errors(), [pair("/email", "duplicate"), pair("/username", "duplicate")]);
}

#[tokio::test]
async fn a_user_can_be_removed_for_good_deleted_or_not() {
    let world = World::new();
    for delete_first in [false, true] {
        let path = world.make("ada").await;
        if delete_first {
            world.ask("DELETE", &path, &[], None).await;
        }
        let force = format!("{path}/force");
        assert_eq!(world.ask("DELETE", &force, &[], None).await.status, 204);
        world.ask("DELETE", &force, &[], None).await.problem(404, "ENTITY_NOT_FOUND");
        world.ask("PUT", &format!("{path}/restore"), &[], None).await.problem(404, "ENTITY_NOT_FOUND");
        world.get(&format!("{path}/history")).await.problem(404, "ENTITY_NOT_FOUND");
    }
    let stored = world.store.tenant(world.tenant);
    assert!(stored.users.is_empty() && stored.events.is_empty() && stored.welcomes.is_empty());
}

#[tokio::test]
async fn a_repeated_key_gives_the_same_user() {
    let world = World::new();
    let key = [("idempotency-key", "k1")];
    let ask = |name: &'static str| {
        world.ask("POST", "/api/v1/users", &key, Some(json!({"email": format!("{name}@x.com"), "username": name})))
    };
    let first = ask("ada").await;
    assert_eq!((first.status.as_u16(), first.header("idempotent-replayed")), (201, ""));
    let again = ask("ada").await;
    assert_eq!((again.status.as_u16(), again.header("idempotent-replayed")), (201, "true"));
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    ask("bob").await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    let batch = world.batch("application/json", &key, crate::support::users(1..3)).await;
    batch.problem(422, "IDEMPOTENCY_KEY_REUSED");
    world.ask("DELETE", first.header("location"), &[], None).await;
    ask("ada").await.problem(409, "CONFLICT");
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_key() {
    let world = World::new();
    let path = world.make("ada").await;
    let body = || Some(json!({"email": "ada@x.com", "username": "other"}));
    let key = [("idempotency-key", "k1")];
    world.ask("POST", "/api/v1/users", &key, body()).await.problem(409, "CONFLICT");
    world.ask("DELETE", &path, &[], None).await;
    assert_eq!(world.ask("POST", "/api/v1/users", &key, body()).await.status, 201);
}
