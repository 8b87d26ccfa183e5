//! What pages of other origins may do.

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use muster_api::RateLimits;
use muster_bootstrap::config::{Cors, CorsOrigins};
use muster_testkit::memory::MemoryLimiter;

use crate::support::{Answer, World};

const APP: &str = "https://app.example.com";

fn allowing(origins: CorsOrigins, credentials: bool) -> World {
    let mut world = World::new();
    world.state.cors = Some(Cors { origins, credentials });
    world
}

fn listed() -> World {
    allowing(CorsOrigins::Listed(vec![APP.to_owned(), "http://localhost:3000".to_owned()]), true)
}

async fn ask(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(request.body(Body::empty()).unwrap()).await
}

async fn preflight(world: &World, path: &str, origin: &str, method: &str) -> Answer {
    let wanted = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "x-tenant-token,content-type"),
    ];
    ask(world, "OPTIONS", path, &wanted).await
}

#[tokio::test]
async fn a_preflight_needs_no_token_costs_nothing_and_allows_what_the_api_reads() {
    let mut world = listed();
    let limiter = Arc::new(MemoryLimiter::new(world.clock.clone()));
    world.state.rate_limits = Some(RateLimits::new(limiter, 1.try_into().unwrap(), 1.try_into().unwrap()));
    for path in ["/api/v1/users", "/api/v1/users/batch", "/api/v1/users/x/restore", "/health"] {
        let answer = preflight(&world, path, APP, "PUT").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-max-age"), "3600");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            assert!(answer.header("access-control-allow-methods").contains(method), "{method}");
        }
        let allowed = answer.header("access-control-allow-headers");
        for header in [
            "authorization",
            "x-tenant-token",
            "content-type",
            "content-encoding",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "prefer",
            "traceparent",
        ] {
            assert!(allowed.split(',').any(|name| name == header), "{header} is not in {allowed}");
        }
        assert!(answer.header("vary").contains("origin"));
        assert!(!answer.headers.contains_key("ratelimit"));
        assert!(!answer.header("x-trace-id").is_empty());
    }
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_read_answers_and_what_they_carry() {
    let world = listed();
    let token = world.token();
    let answer = ask(&world, "GET", "/api/v1/users", &[("origin", APP), ("x-tenant-token", &token)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (200, APP));
    let exposed = answer.header("access-control-expose-headers");
    for header in [
        "location",
        "etag",
        "x-trace-id",
        "retry-after",
        "ratelimit",
        "ratelimit-policy",
        "idempotent-replayed",
        "preference-applied",
        "www-authenticate",
    ] {
        assert!(exposed.split(',').any(|name| name == header), "{header} is not in {exposed}");
    }
    assert!(answer.header("vary").contains("origin"));
}

#[tokio::test]
async fn a_page_may_read_that_it_may_not() {
    let mut world = listed();
    let limiter = Arc::new(MemoryLimiter::new(world.clock.clone()));
    world.state.rate_limits = Some(RateLimits::new(limiter, 1.try_into().unwrap(), 1.try_into().unwrap()));
    for (path, status) in [("/api/v1/users", 401), ("/api/v1/users", 429), ("/nothing", 404)] {
        let answer = ask(&world, "GET", path, &[("origin", APP)]).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), APP, "{status}");
        assert!(answer.header("access-control-expose-headers").contains("retry-after"));
    }
}

#[tokio::test]
async fn others_are_told_nothing_but_that_it_depends_on_them() {
    let world = listed();
    for origin in ["https://evil.example", "https://app.example.com.evil.example", "http://app.example.com", "null"] {
        for answer in [
            preflight(&world, "/api/v1/users", origin, "GET").await,
            ask(&world, "GET", "/health", &[("origin", origin)]).await,
        ] {
            assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
            assert!(answer.header("vary").contains("origin"), "a cache must not give this to {APP}");
        }
    }
    let answer = ask(&world, "GET", "/health", &[]).await;
    assert!(answer.header("vary").contains("origin"));
}

#[tokio::test]
async fn everybody_may_be_allowed_and_then_it_depends_on_nobody() {
    let world = allowing(CorsOrigins::Any, false);
    let answer = ask(&world, "GET", "/health", &[("origin", "https://any.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    assert!(!answer.headers.contains_key("vary"));
}

#[tokio::test]
async fn by_default_nobody_is() {
    let world = World::new();
    let answer = preflight(&world, "/api/v1/users", APP, "GET").await;
    answer.problem(405, "METHOD_NOT_ALLOWED");
    let answer = ask(&world, "GET", "/health", &[("origin", APP)]).await;
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{:?}", answer.headers);
}
