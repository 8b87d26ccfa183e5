use serde_json::{Value, json};

use crate::support::{Answer, World};

const PATH: &str = "/api/v1/webhooks";

fn body() -> Value {
    json!({ "url": "https://example.com/hooks?key=1", "description": "Billing", "events": ["user.created", "operation.finished"] })
}

async fn make(world: &World) -> Answer {
    let made = world.ask("POST", PATH, &[], Some(body())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_deleted_and_its_secret_shown_once() {
    let world = World::new();
    let made = make(&world).await;
    insta::assert_json_snapshot!("webhook_made", made.json());
    let path = made.header("location").to_owned();
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    insta::assert_json_snapshot!("webhook_read", world.get(&path).await.json());
    let change = json!({ "description": null, "events": ["user.deleted"], "enabled": false, "unknown": 1 });
    let changed = world.ask("PATCH", &path, &[], Some(change)).await;
    insta::assert_json_snapshot!("webhook_changed", changed.json());
    let rotated = world.ask("POST", &format!("{path}/rotate-secret"), &[], None).await;
    insta::assert_json_snapshot!("webhook_rotated", rotated.json());
    assert_ne!(rotated.json()["secret"], json!(secret));
    let list = world.get(PATH).await;
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 1);
    for answer in [&changed, &list, &world.get(&path).await] {
        assert!(!answer.text.contains("whsec_"), "{}", answer.text);
    }
    assert_eq!(world.ask("DELETE", &path, &[], None).await.status, 204);
    world.get(&path).await.problem(404, "ENTITY_NOT_FOUND");
    assert_eq!(world.get(PATH).await.json(), json!({ "items": [] }));
}

#[tokio::test]
async fn deliveries_are_listed_tried_and_replayed() {
    let world = World::new();
    let path = make(&world).await.header("location").to_owned();
    world.make("ada").await;
    let trial = world.ask("POST", &format!("{path}/test"), &[], None).await;
    assert_eq!((trial.status.as_u16(), &trial.json()["type"]), (201, &json!("webhook.test")));
    let list = world.get(&format!("{path}/deliveries?state=pending")).await;
    insta::assert_json_snapshot!("webhook_deliveries", list.json());
    let first = world.get(&format!("{path}/deliveries?limit=1")).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = world.get(&format!("{path}/deliveries?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["items"][0], &second["has_next"]), (&list.json()["items"][1], &json!(false)));
    assert_eq!(world.get(&format!("{path}/deliveries?state=failed")).await.json()["items"], json!([]));
    let id = first["items"][0]["id"].as_str().unwrap();
    let pending = world.ask("POST", &format!("{path}/deliveries/{id}/replay"), &[], None).await;
    assert_eq!(pending.problem(409, "BUSINESS_RULE_VIOLATION")["detail"], "the delivery is still being tried");
    let command = muster_application::webhooks::DeliverWebhook {
        delivery: muster_domain::WebhookDeliveryId::new(id.parse().unwrap()),
        attempt: 1,
        pause: None,
        longest: std::time::Duration::ZERO,
    };
    world.state.app.deliver_webhook(&muster_application::Context::new(world.tenant), command).await.unwrap();
    let again = world.ask("POST", &format!("{path}/deliveries/{id}/replay"), &[], None).await;
    assert_eq!(again.status, 201, "{}", again.text);
    assert_eq!(again.json()["message_id"], first["items"][0]["message_id"]);
    assert_ne!(again.json()["id"], first["items"][0]["id"]);
    let delivered = world.get(&format!("{path}/deliveries?state=delivered")).await.json();
    insta::assert_json_snapshot!("webhook_delivered", delivered);
}

#[tokio::test]
async fn everything_that_is_wrong_is_named() {
    let world = World::new();
    let path = make(&world).await.header("location").to_owned();
    for (wrong, expected) in [
        (json!({}), vec![pair("/url", "missing"), pair("/events", "missing")]),
        (json!({ "url": 5, "events": "all" }), vec![pair("/url", "wrong_type"), pair("/events", "wrong_type")]),
        (
            json!({ "url": "http://example.com", "events": [] }),
            vec![pair("/url", "not_https"), pair("/events", "invalid_events")],
        ),
        (
            json!({ "url": "https://169.254.169.254", "events": ["user.created"] }),
            vec![pair("/url", "private_address")],
        ),
        (
            json!({ "url": "https://u:p@example.com", "events": ["webhook.test"] }),
            vec![pair("/url", "has_credentials"), pair("/events", "invalid_events")],
        ),
    ] {
        let refused = world.ask("POST", PATH, &[], Some(wrong.clone())).await;
        let problem = refused.problem(422, "VALIDATION_ERROR");
        assert_eq!(refused.errors(), expected, "{wrong}");
        assert!(!problem.to_string().contains("u:p"), "values are not repeated: {problem}");
    }
    for wrong in [json!({ "enabled": "no" }), json!({ "url": null }), json!({ "description": 7 })] {
        world.ask("PATCH", &path, &[], Some(wrong)).await.problem(422, "VALIDATION_ERROR");
    }
    world.post(PATH, "text/plain", "x").await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    world.post(PATH, "application/json", "[]").await.problem(422, "VALIDATION_ERROR");
    for query in ["state=lost", "limit=0", "limit=101", "cursor=x"] {
        world.get(&format!("{path}/deliveries?{query}")).await.problem(422, "VALIDATION_ERROR");
    }
    world.ask("POST", &format!("{path}/deliveries/x/replay"), &[], None).await.problem(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn the_twenty_first_endpoint_is_refused() {
    let world = World::new();
    for _ in 0..20 {
        make(&world).await;
    }
    let problem = world.ask("POST", PATH, &[], Some(body())).await.problem(409, "BUSINESS_RULE_VIOLATION");
    assert_eq!(problem["detail"], "a tenant has at most 20 webhook endpoints; delete one first");
}

#[tokio::test]
async fn a_disabled_endpoint_is_sent_nothing() {
    let world = World::new();
    let path = make(&world).await.header("location").to_owned();
    world.ask("PATCH", &path, &[], Some(json!({ "enabled": false }))).await;
    let refused = world.ask("POST", &format!("{path}/test"), &[], None).await;
    assert_eq!(
        refused.problem(409, "BUSINESS_RULE_VIOLATION")["detail"],
        "the webhook endpoint is disabled; enable it first"
    );
}

#[tokio::test]
async fn what_is_anothers_is_not_found_and_without_a_token_nothing_is() {
    let world = World::new();
    let path = make(&world).await.header("location").to_owned();
    let trial = world.ask("POST", &format!("{path}/test"), &[], None).await.json();
    let replay = format!("{path}/deliveries/{}/replay", trial["id"].as_str().unwrap());
    let world = world.into_tenant(8);
    for (method, path, change) in [
        ("GET", path.clone(), None),
        ("PATCH", path.clone(), Some(json!({ "enabled": false }))),
        ("DELETE", path.clone(), None),
        ("POST", format!("{path}/rotate-secret"), None),
        ("POST", format!("{path}/test"), None),
        ("GET", format!("{path}/deliveries"), None),
        ("POST", replay, None),
    ] {
        world.ask(method, &path, &[], change).await.problem(404, "ENTITY_NOT_FOUND");
        let request = axum::http::Request::builder().method(method).uri(&path);
        let answer = world.send(request.body(axum::body::Body::empty()).unwrap()).await;
        answer.problem(401, "TENANT_TOKEN_MISSING");
    }
    assert_eq!(world.get(PATH).await.json(), json!({ "items": [] }));
}
