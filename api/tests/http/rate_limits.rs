//! Who asks too often is told so, and when to come back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use chrono::TimeDelta;
use muster_api::RateLimits;
use muster_api::server::Peer;
use muster_application::ports::Clock;
use muster_bootstrap::config::TrustedProxies;
use muster_domain::TenantId;
use muster_testkit::memory::MemoryLimiter;
use uuid::Uuid;

use crate::support::{Answer, World, users};

const LIST: &str = "/api/v1/users";
const PROXY: &str = "10.0.0.1";

/// Three requests a minute, and two uploads; behind a proxy.
fn limited() -> World {
    let mut world = World::new();
    let limiter = Arc::new(MemoryLimiter::new(world.clock.clone()));
    let limits = RateLimits::new(limiter, 3.try_into().unwrap(), 2.try_into().unwrap());
    world.state.rate_limits = Some(limits);
    world.state.trusted_proxies = TrustedProxies::parse(PROXY).unwrap();
    world
}

async fn send(world: &World, peer: &str, request: Builder, body: impl Into<Body>) -> Answer {
    let mut request = request.body(body.into()).unwrap();
    request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
    world.send(request).await
}

/// Asks for the list of users.
async fn list(world: &World, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(LIST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(world, peer, request, Body::empty()).await
}

async fn list_as_tenant(world: &World, peer: &str) -> Answer {
    list(world, peer, &[("x-tenant-token", &world.token())]).await
}

#[tokio::test]
async fn every_answer_says_what_is_left_and_the_last_one_when_to_come_back() {
    let world = limited();
    for (left, whole) in [(2, 20), (1, 40), (0, 60)] {
        let answer = list_as_tenant(&world, "192.0.2.1").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=60");
        assert_eq!(answer.header("ratelimit"), format!("\"default\";r={left};t={whole}"));
    }
    world.clock.advance(TimeDelta::milliseconds(500));
    let refused = list_as_tenant(&world, "192.0.2.1").await;
    let problem = refused.problem(429, "RATE_LIMITED");
    assert_eq!(problem["detail"], "too many requests; try again in 20 s");
    assert_eq!(refused.header("retry-after"), "20");
    assert_eq!(refused.header("ratelimit"), "\"default\";r=0;t=60");
    assert_eq!(refused.header("x-frame-options"), "DENY");
    world.clock.advance(TimeDelta::milliseconds(19_500));
    assert_eq!(list_as_tenant(&world, "192.0.2.1").await.status, 200);
    list_as_tenant(&world, "192.0.2.1").await.problem(429, "RATE_LIMITED");
}

#[tokio::test]
async fn errors_are_counted_and_say_what_is_left_too() {
    let world = limited();
    let token = world.token();
    for left in [2, 1, 0] {
        let request = Request::get("/api/v1/users?limit=x").header("x-tenant-token", &token);
        let answer = send(&world, "192.0.2.1", request, Body::empty()).await;
        answer.problem(422, "VALIDATION_ERROR");
        assert!(answer.header("ratelimit").contains(&format!(";r={left};")), "{:?}", answer.headers);
    }
    list_as_tenant(&world, "192.0.2.1").await.problem(429, "RATE_LIMITED");
}

#[tokio::test]
async fn tenants_and_addresses_have_budgets_of_their_own() {
    let world = limited();
    while list_as_tenant(&world, "192.0.2.1").await.status == 200 {}
    assert_eq!(list_as_tenant(&world, "192.0.2.2").await.status, 200);
    let other = world.into_tenant(8);
    assert_eq!(list_as_tenant(&other, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn without_a_good_token_the_address_pays_whatever_is_tried() {
    let world = limited();
    let issue = |tenant: u128| {
        let (tenant, long_ago) = (TenantId::new(Uuid::from_u128(tenant)), world.clock.now() - Duration::from_hours(9));
        world.state.tokens.issue(tenant, None, long_ago, Duration::from_mins(1)).unwrap()
    };
    let (expired, foreign) = (issue(7), issue(8));
    for token in ["", "garbage", &expired] {
        let answer = list(&world, "192.0.2.1", &[("x-tenant-token", token)]).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("ratelimit").starts_with("\"anonymous\";r="), "{:?}", answer.headers);
    }
    for headers in [&[][..], &[("x-tenant-token", &*foreign)], &[("authorization", "Bearer x")]] {
        let answer = list(&world, "192.0.2.1", headers).await;
        answer.problem(429, "RATE_LIMITED");
        assert_eq!(answer.header("retry-after"), "20");
    }
    // Who has a token does not suffer from who has none.
    assert_eq!(list_as_tenant(&world, "192.0.2.1").await.status, 200);
    list(&world, "192.0.2.2", &[]).await.problem(401, "TENANT_TOKEN_MISSING");
}

#[tokio::test]
async fn uploads_have_a_budget_of_their_own() {
    let world = limited();
    while list_as_tenant(&world, "192.0.2.1").await.status == 200 {}
    let upload = async || {
        let request = Request::post("/api/v1/users/batch");
        let request = request.header("x-tenant-token", world.token()).header("content-type", "application/json");
        send(&world, "192.0.2.1", request.header("prefer", "respond-async"), users(0..1)).await
    };
    for left in [1, 0] {
        let answer = upload().await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.header("ratelimit-policy"), "\"uploads\";q=2;w=60");
        assert!(answer.header("ratelimit").contains(&format!(";r={left};")));
    }
    let refused = upload().await;
    refused.problem(429, "RATE_LIMITED");
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(world.store.tenant(world.tenant).operations.len(), 2);
}

#[tokio::test]
async fn a_forged_header_buys_nothing_but_a_proxy_is_believed() {
    let world = limited();
    let token = world.token();
    let ask = async |peer: &str, n: u32| {
        let address = format!("198.51.100.{n}");
        let forged = [("x-tenant-token", &*token), ("x-forwarded-for", &address), ("cf-connecting-ip", &address)];
        list(&world, peer, &forged).await
    };
    for n in 0..3 {
        assert_eq!(ask("192.0.2.1", n).await.status, 200);
    }
    ask("192.0.2.1", 3).await.problem(429, "RATE_LIMITED");
    for n in 0..6 {
        assert_eq!(ask(PROXY, n).await.status, 200);
    }
    while ask(PROXY, 0).await.status == 200 {}
    assert_eq!(ask(PROXY, 7).await.status, 200);
}

#[tokio::test]
async fn health_documents_and_what_is_not_there_are_not_counted() {
    let world = limited();
    for path in ["/", "/health", "/health/live", "/health/ready", "/api/v1/health", "/docs/", "/openapi.json", "/x"] {
        for _ in 0..5 {
            let answer = send(&world, "192.0.2.1", Request::get(path), Body::empty()).await;
            assert_ne!(answer.status, 429, "{path}");
            assert!(!answer.headers.contains_key("ratelimit"), "{path}");
        }
    }
    list(&world, "192.0.2.1", &[]).await.problem(401, "TENANT_TOKEN_MISSING");
}

#[tokio::test]
async fn nobody_is_counted_when_it_is_switched_off() {
    let world = World::new();
    for _ in 0..100 {
        let answer = list_as_tenant(&world, "192.0.2.1").await;
        assert_eq!(answer.status, 200);
        assert!(!answer.headers.contains_key("ratelimit") && !answer.headers.contains_key("ratelimit-policy"));
    }
}
