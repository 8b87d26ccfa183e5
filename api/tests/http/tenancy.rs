//! Every documented operation, asked by whoever must not be answered. What an operation needs is read from the
//! document; an operation that this test does not know how to ask fails it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use muster_application::ports::Clock;
use muster_domain::TenantId;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, World, csv};

/// The only operations that anybody may use.
const PUBLIC: [&str; 5] = ["get_root", "get_health", "get_health_live", "get_health_ready", "get_health_v1"];

/// Those that partners sign, and no token opens.
const SIGNED: [&str; 3] = ["partner_status", "partner_webhook", "partner_sync"];

struct Operation {
    id: String,
    method: String,
    path: String,
    has_body: bool,
    is_secured: bool,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&muster_api::openapi::document().unwrap()).unwrap();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let security = operation["security"].as_array().cloned().unwrap_or_default();
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                is_secured: !security.is_empty(),
            });
        }
    }
    all
}

impl Operation {
    async fn ask(&self, world: &World, id: &str, token: Option<&str>) -> Answer {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(self.path.replace("{id}", id).replace("{delivery}", id));
        if let Some(token) = token {
            request = request.header("x-tenant-token", token);
        }
        let body = if self.has_body {
            request = request.header("content-type", "application/json");
            let change = format!(r#"{{"kind":"users.erase","ids":["{id}"]}}"#);
            let make = r#"{"users":[{"email":"m@x.com","username":"mallory"}],"email":"m@x.com","username":"mallory","url":"https://example.com","events":["user.created"],"title":"m","assignee_id":null}"#;
            let schedule = r#"{"kind":"users.export","cron":"0 3 * * *"}"#;
            Body::from(match self.id.as_str() {
                "begin_operation" => change,
                "create_schedule" => schedule.to_owned(),
                "create_tasks" => r#"{"tasks":[{"title":"m"}]}"#.to_owned(),
                _ => make.to_owned(),
            })
        } else {
            Body::empty()
        };
        world.send(request.body(body).unwrap()).await
    }
}

#[tokio::test]
async fn every_operation_is_public_by_name_or_wants_a_token() {
    for operation in operations() {
        let is_open = PUBLIC.contains(&operation.id.as_str()) || SIGNED.contains(&operation.id.as_str());
        assert_eq!(operation.is_secured, !is_open, "{}", operation.id);
        let holes = operation.path.matches('{').count();
        let filled = operation.path.matches("{id}").count() + operation.path.matches("{delivery}").count();
        assert_eq!(filled, holes, "{}: how is this path filled?", operation.path);
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let world = World::new();
    let id = Uuid::from_u128(1).to_string();
    let long_ago = world.clock.now() - Duration::from_hours(2);
    let expired = world.state.tokens.issue(world.tenant, None, long_ago, Duration::from_mins(30));
    let forged = format!("{}x", world.token());
    let tokens = [
        (None, "TENANT_TOKEN_MISSING"),
        (Some(expired.unwrap()), "TENANT_TOKEN_EXPIRED"),
        (Some(forged), "TENANT_TOKEN_INVALID_SIGNATURE"),
    ];
    for operation in operations().into_iter().filter(|operation| operation.is_secured) {
        for (token, code) in &tokens {
            let answer = operation.ask(&world, &id, token.as_deref()).await;
            assert_eq!(answer.status, 401, "{} answers {code}: {}", operation.id, answer.text);
            answer.problem(401, code);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert!(
        world
            .store
            .tenants()
            .values()
            .all(|state| state.users.is_empty() && state.operations.is_empty() && state.tasks.is_empty())
    );
}

#[tokio::test]
async fn without_a_good_signature_nothing_is_answered() {
    let world = World::new();
    let signed = operations().into_iter().filter(|operation| SIGNED.contains(&operation.id.as_str()));
    let signed: Vec<_> = signed.collect();
    assert_eq!(signed.len(), SIGNED.len());
    for operation in signed {
        operation.ask(&world, "", Some(&world.token())).await.problem(422, "VALIDATION_ERROR");
        let request = Request::builder().method(operation.method.as_str()).uri(&operation.path);
        let request =
            ["x-api-timestamp", "x-api-signature"].into_iter().fold(request, |all, name| all.header(name, "0"));
        let request = request.header("x-tenant-token", world.token()).header("x-api-client-id", "mpc_nobody");
        world.send(request.body(Body::empty()).unwrap()).await.problem(401, "PARTNER_CLIENT_UNKNOWN");
    }
    assert!(world.store.tenants().is_empty());
}

#[tokio::test]
async fn what_is_anothers_does_not_exist() {
    let world = World::new();
    // No name of hexadecimal digits: identifiers are in what is answered.
    let user = world.make("zoe").await.rsplit('/').next().unwrap().to_owned();
    let deleted = world.make("bob").await;
    world.ask("DELETE", &deleted, &[], None).await;
    let deleted = deleted.rsplit('/').next().unwrap().to_owned();
    let done = world.batch("text/csv", &[("prefer", "wait=10")], csv(0..3)).await;
    let operation = done.json()["id"].as_str().unwrap().to_owned();
    let made = json!({ "url": "https://example.com", "events": ["user.created"] });
    let endpoint =
        world.ask("POST", "/api/v1/webhooks", &[], Some(made)).await.json()["id"].as_str().unwrap().to_owned();
    let made = json!({ "kind": "users.export", "cron": "0 3 * * *" });
    let schedule =
        world.ask("POST", "/api/v1/schedules", &[], Some(made)).await.json()["id"].as_str().unwrap().to_owned();
    let made = json!({ "title": "Call bob" });
    let task = world.ask("POST", "/api/v1/tasks", &[], Some(made)).await.json()["id"].as_str().unwrap().to_owned();
    let before = world.store.tenant(world.tenant);

    let foreign = world
        .state
        .tokens
        .issue(TenantId::new(Uuid::from_u128(8)), None, world.clock.now(), Duration::from_mins(30))
        .unwrap();
    for asked in operations().into_iter().filter(|operation| operation.is_secured) {
        for id in [&user, &deleted, &operation, &endpoint, &schedule, &task] {
            let answer = asked.ask(&world, id, Some(&foreign)).await;
            if asked.path.contains("{id}") {
                answer.problem(404, "ENTITY_NOT_FOUND");
            } else {
                assert!(answer.status.is_success() || answer.status == 409, "{}: {}", asked.id, answer.text);
                for mine in ["zoe", "bob", "u0@x.com", &operation, &endpoint, &schedule, &task] {
                    assert!(!answer.text.contains(mine), "{} tells of {mine}: {}", asked.id, answer.text);
                }
            }
        }
    }
    assert_eq!(world.store.tenant(world.tenant), before, "somebody else wrote here");
}
