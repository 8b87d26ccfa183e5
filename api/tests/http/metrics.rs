//! What is counted of requests, and how.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use muster_api::RateLimits;
use muster_testkit::memory::MemoryLimiter;
use prometheus_client::encoding::prometheus_text;
use prometheus_client::registry::Registry;

use crate::support::World;

fn scraped(world: &World) -> String {
    let (mut registry, mut text) = (Registry::default(), String::new());
    world.state.metrics.register(&mut registry);
    prometheus_text::encode(&mut text, &registry).unwrap();
    text
}

#[tokio::test]
async fn requests_are_counted_by_method_route_and_status() {
    let world = World::new();
    let user = world.make("ada").await;
    for _ in 0..2 {
        assert_eq!(world.get(&user).await.status, 200);
    }
    world.get("/api/v1/users/x").await.problem(422, "VALIDATION_ERROR");
    world.get("/secret/path").await.problem(404, "ENTITY_NOT_FOUND");
    let odd = Request::builder().method("FROBNICATE").uri("/health").body(Body::empty()).unwrap();
    world.send(odd).await.problem(405, "METHOD_NOT_ALLOWED");

    let text = scraped(&world);
    for line in [
        "# TYPE http_server_requests_total counter",
        "http_server_requests_total{method=\"POST\",route=\"/api/v1/users\",status=\"201\"} 1",
        "http_server_requests_total{method=\"GET\",route=\"/api/v1/users/{id}\",status=\"200\"} 2",
        "http_server_requests_total{method=\"GET\",route=\"/api/v1/users/{id}\",status=\"422\"} 1",
        "http_server_requests_total{method=\"GET\",route=\"none\",status=\"404\"} 1",
        "http_server_requests_total{method=\"other\",route=\"/health\",status=\"405\"} 1",
        "# TYPE http_server_request_duration_seconds histogram",
        "http_server_request_duration_seconds_count{method=\"GET\",route=\"/api/v1/users/{id}\"} 3",
        "http_server_request_duration_seconds_bucket{method=\"GET\",route=\"/api/v1/users/{id}\",le=\"+Inf\"} 3",
        "# TYPE http_server_active_requests gauge",
        "http_server_active_requests 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let id = user.rsplit('/').next().unwrap();
    for personal in [id, "secret", &world.tenant.get().to_string()] {
        assert!(!text.contains(personal), "{personal} is in\n{text}");
    }
}

#[tokio::test]
async fn a_request_that_runs_is_active_and_one_whose_client_has_gone_is_counted() {
    let world = World::new();
    world.set_engine(crate::support::Engine::Sleeps);
    let request = {
        let headers = [("prefer", "wait=30")];
        let body = crate::support::users(0..1);
        let world = &world;
        async move { world.batch("application/json", &headers, body).await }
    };
    let mut request = Box::pin(request);
    tokio::select! {
        answer = &mut request => panic!("{}", answer.text),
        () = async {
            while world.store.tenant(world.tenant).operations.is_empty() {
                tokio::task::yield_now().await;
            }
        } => {}
    }
    assert!(scraped(&world).contains("http_server_active_requests 1\n"));
    drop(request);
    let text = scraped(&world);
    assert!(text.contains("http_server_active_requests 0\n"), "{text}");
    let line = "http_server_requests_total{method=\"POST\",route=\"/api/v1/users/batch\",status=\"abandoned\"} 1";
    assert!(text.contains(line), "{text}");
}

#[tokio::test]
async fn bytes_of_bodies_and_requests_of_who_asks_too_often_are_counted() {
    let mut world = World::new();
    let limiter = Arc::new(MemoryLimiter::new(world.clock.clone()));
    world.state.rate_limits = Some(RateLimits::new(limiter, 2.try_into().unwrap(), 2.try_into().unwrap()));
    let body = crate::support::users(0..3);
    let length = body.len();
    world.batch("application/json", &[], body).await;
    for status in [200, 200, 429, 429] {
        assert_eq!(world.get("/api/v1/users").await.status, status);
    }
    let text = scraped(&world);
    for line in [
        format!("http_server_request_body_bytes_total {length}"),
        "http_server_rate_limited_total{budget=\"default\"} 2".to_owned(),
        "http_server_rate_limited_total{budget=\"uploads\"} 0".to_owned(),
        "http_server_connections 0".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}
